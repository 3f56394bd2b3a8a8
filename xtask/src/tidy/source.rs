//! Reads a Rust file as far as tidiness needs it: which modules it uses, which public types it names, how long its functions are.
//!
//! It works on tokens, not on a syntax tree: what stands in the arguments of a macro is read like everything else. What is compiled for
//! tests alone is passed over, except for the length of functions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path that a file uses, from the root of its crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Used {
    /// Its segments, without `crate`.
    pub(super) path: Vec<String>,
    /// The line that it stands in, from 1.
    pub(super) line: usize,
}

/// Something that has a name and a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    /// The line that it begins in, from 1.
    pub(super) line: usize,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// The line that it begins in, from 1.
    pub(super) line: usize,
    /// How many lines it has, from `fn` to the closing brace.
    pub(super) lines: usize,
}

/// What was read of a file.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The file, relative to the root of the repository.
    pub(super) file: PathBuf,
    /// Its module, from the root of its crate; empty for the root itself.
    pub(super) module: Vec<String>,
    /// What it uses of its crate.
    pub(super) used: Vec<Used>,
    /// What it only hands on (`pub use`), by the name that it has here.
    pub(super) handed_on: BTreeMap<String, Vec<String>>,
    /// The modules in files of their own that are compiled for tests alone.
    pub(super) test_modules: Vec<Vec<String>>,
    /// Its public types, traits and aliases, whatever they are public to.
    pub(super) types: Vec<Named>,
    /// Its functions, those of tests too.
    pub(super) functions: Vec<Function>,
}

impl Source {
    /// Reads the text of a file below `folder`, the sources of its crate.
    ///
    /// # Errors
    /// The text is no Rust; in words.
    pub(super) fn read(folder: &Path, file: &Path, text: &str) -> Result<Self, String> {
        let stream: TokenStream =
            text.parse().map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        let module = module_of(file.strip_prefix(folder).unwrap_or(file));
        let is_test = is_test_file(file);
        let mut reader = Reader {
            source: Self { file: file.to_owned(), module: module.clone(), ..Self::default() },
            module,
            children: Vec::new(),
            is_test,
        };
        reader.children = children(&stream.clone().into_iter().collect::<Vec<_>>());
        reader.read(stream);
        Ok(reader.source)
    }
}

/// Files that hold tests and nothing else.
fn is_test_file(file: &Path) -> bool {
    file.iter().filter_map(|part| part.to_str()).any(|part| {
        let stem = part.strip_suffix(".rs").unwrap_or(part);
        stem == "tests" || stem.ends_with("_tests")
    })
}

/// The module of a file, relative to the sources of its crate.
fn module_of(file: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod")
        || (module.len() == 1 && ["lib", "main"].contains(&module[0].as_str()))
    {
        module.pop();
    }
    module
}

/// The modules that a file declares in files of their own.
fn children(tokens: &[TokenTree]) -> Vec<String> {
    let declared =
        tokens.windows(3).filter(|window| is_ident(&window[0], "mod") && is_punct(&window[2], ';'));
    declared.map(|window| window[1].to_string()).collect()
}

struct Reader {
    source: Source,
    /// Where the reader is: the file's module, and the modules inside the file that it is in.
    module: Vec<String>,
    children: Vec<String>,
    is_test: bool,
}

impl Reader {
    fn read(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(&tokens, at),
                TokenTree::Ident(ident) if *ident == "fn" => self.function(&tokens, at),
                TokenTree::Ident(ident) if *ident == "mod" => self.inner_module(&tokens, at),
                TokenTree::Ident(ident) if *ident == "pub" && !self.is_test => self.public(&tokens, at),
                TokenTree::Ident(_) if !self.is_test && self.begins_path(&tokens, at) => {
                    let mut found = Vec::new();
                    let next = path(&tokens, at, &[], &mut found);
                    self.note(found, false);
                    next
                }
                TokenTree::Group(group) => {
                    self.read(group.stream());
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// Passes over an attribute, and reads what it makes a test of as one.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let is_inner = tokens.get(at + 1).is_some_and(|token| is_punct(token, '!'));
        let at = at + 1 + usize::from(is_inner);
        let Some(TokenTree::Group(group)) = tokens.get(at) else { return at };
        if is_inner || !says_test(group.stream()) {
            return at + 1;
        }
        let end = end_of_item(tokens, at + 1);
        let item = tokens.get(at + 1..end).unwrap_or_default();
        for name in children(item) {
            self.source.test_modules.push(self.module.iter().cloned().chain([name]).collect());
        }
        let was_test = std::mem::replace(&mut self.is_test, true);
        self.read(item.iter().cloned().collect());
        self.is_test = was_test;
        end
    }

    fn function(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return at + 1 };
        let after = tokens.get(at..).unwrap_or_default().iter();
        let body = after.take_while(|token| !is_punct(token, ';')).find_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group),
            _ => None,
        });
        if let Some(body) = body {
            let line = name.span().start().line;
            let last = body.span_close().end().line;
            let lines = (last + 1).saturating_sub(line);
            self.source.functions.push(Function { name: name.to_string(), line, lines });
        }
        at + 2
    }

    fn inner_module(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(group))) =
            (tokens.get(at + 1), tokens.get(at + 2))
        else {
            return at + 1;
        };
        self.module.push(name.to_string());
        self.read(group.stream());
        self.module.pop();
        at + 3
    }

    /// A public item: a type is noted, and so is what is handed on.
    fn public(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let scoped = matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
        let at = at + 1 + usize::from(scoped);
        let Some(TokenTree::Ident(kind)) = tokens.get(at) else { return at };
        if *kind == "use" {
            let mut found = Vec::new();
            let end = path(tokens, at + 1, &[], &mut found);
            self.note(found, true);
            return end;
        }
        let is_type = ["struct", "enum", "trait", "type", "union"].iter().any(|word| kind == word);
        if let Some(TokenTree::Ident(name)) = tokens.get(at + 1).filter(|_| is_type) {
            self.source.types.push(Named { name: name.to_string(), line: name.span().start().line });
            return at + 2;
        }
        at
    }

    /// Whether a path of this crate begins here.
    fn begins_path(&self, tokens: &[TokenTree], at: usize) -> bool {
        let Some(TokenTree::Ident(ident)) = tokens.get(at) else { return false };
        let is_joined = is_separator(tokens, at + 1);
        let is_before = |back: usize, wanted| {
            at.checked_sub(back).and_then(|at| tokens.get(at)).is_some_and(|token| is_punct(token, wanted))
        };
        // `x.self_` and `a::b::self`, but neither `x: crate::a` nor `..crate::A`.
        let is_inside = (is_before(1, ':') && is_before(2, ':')) || (is_before(1, '.') && !is_before(2, '.'));
        let name = ident.to_string();
        let is_ours = ["crate", "super", "self"].contains(&name.as_str())
            || (self.module == self.source.module && self.children.contains(&name));
        is_joined && !is_inside && is_ours
    }

    fn note(&mut self, found: Vec<(Used, String)>, is_handed_on: bool) {
        for (used, name) in found {
            let Some(path) = self.resolved(&used.path) else { continue };
            if is_handed_on {
                self.source.handed_on.insert(name, path);
            } else {
                self.source.used.push(Used { path, ..used });
            }
        }
    }

    /// A path from the root of the crate; `None`: of another crate.
    fn resolved(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut from = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last().map(|(_, above)| above.to_vec())?,
            child if self.children.iter().any(|name| name == child) => {
                let mut from = self.module.clone();
                from.push(child.to_owned());
                from
            }
            _ => return None,
        };
        for segment in rest {
            match segment.as_str() {
                "super" => drop(from.pop()),
                "self" => {}
                segment => from.push(segment.to_owned()),
            }
        }
        Some(from)
    }
}

/// Reads a path, or a tree of them, and returns where it ends. Each comes with the name that it has here.
fn path(tokens: &[TokenTree], mut at: usize, before: &[String], found: &mut Vec<(Used, String)>) -> usize {
    let mut path = before.to_vec();
    let mut line = 0;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => {
                line = ident.span().start().line;
                path.push(ident.to_string());
                at += 1;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace && at > 0 => {
                let tree: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in tree.split(|token| is_punct(token, ',')).filter(|branch| !branch.is_empty()) {
                    self::path(branch, 0, &path, found);
                }
                return at + 1;
            }
            Some(token) if is_punct(token, '*') => {
                at += 1;
                break;
            }
            _ => break,
        }
        if !is_separator(tokens, at) {
            break;
        }
        at += 2;
    }
    let name = match (tokens.get(at), tokens.get(at + 1)) {
        (Some(as_), Some(name)) if is_ident(as_, "as") => name.to_string(),
        _ => path.last().cloned().unwrap_or_default(),
    };
    if !path.is_empty() {
        found.push((Used { path, line }, name));
    }
    at
}

/// Where an item ends that begins here: behind its `;` or its braces.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let is_use = tokens.get(at..).unwrap_or_default().iter().take(3).any(|token| is_ident(token, "use"));
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => !is_use && group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    };
    let rest = tokens.get(at..).unwrap_or_default();
    rest.iter().position(ends).map_or(tokens.len(), |end| at + end + 1)
}

/// Whether an attribute is `test`, or `cfg` of it.
fn says_test(attribute: TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text == "test"
        || text == "cfg(test)"
        || text.starts_with("cfg(all(test,")
        || text.starts_with("tokio::test")
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    [at, at + 1].into_iter().all(|at| tokens.get(at).is_some_and(|token| is_punct(token, ':')))
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_ident(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, text: &str) -> Source {
        let folder = Path::new("crates/house/src");
        Source::read(folder, &folder.join(file), text).unwrap()
    }

    fn used(file: &str, text: &str) -> Vec<String> {
        read(file, text).used.iter().map(|used| format!("{}:{}", used.line, used.path.join("::"))).collect()
    }

    #[test]
    fn what_is_used_is_found_in_imports_in_code_and_in_macros() {
        let text = "use crate::{\n    a::{self, b::C},\n    d::*,\n};\nuse super::e;\nuse std::fmt;\n\
                    fn f() {\n    select! { x = crate::g::h() => self::i::j(x, y.super_) }\n}\n";
        assert_eq!(
            used("room/file.rs", text),
            ["2:a", "2:a::b::C", "3:d", "5:room::e", "8:g::h", "8:room::file::i::j"]
        );
    }

    #[test]
    fn a_module_of_its_own_is_used_by_its_name_alone() {
        let text = "mod lane;\nfn f() { lane::run(); other::run(); x.lane::<u8>(); }\n";
        assert_eq!(used("room/mod.rs", text), ["2:room::lane::run"]);
    }

    #[test]
    fn what_tests_use_and_name_does_not_count() {
        let text = "#[cfg(test)]\nuse crate::a::{b, c};\n#[cfg(test)]\nmod tests {\n    use super::*;\n    pub struct S;\n}\n\
                    use crate::d;\n#[test]\nfn t() { crate::e::f() }\n";
        let source = read("file.rs", text);
        assert_eq!(source.used, [Used { path: vec!["d".to_owned()], line: 8 }]);
        assert_eq!(source.types, []);
        assert_eq!(used("file/tests.rs", "use crate::a;"), [""; 0]);
    }

    #[test]
    fn a_module_for_tests_in_a_file_of_its_own_is_known() {
        let source = read("room/mod.rs", "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\nmod c { mod d {} }\n");
        assert_eq!(source.test_modules, [["room", "b"]]);
    }

    #[test]
    fn what_is_handed_on_is_not_used() {
        let source = read("room/mod.rs", "mod a;\npub use self::a::{B, C as D};\npub(crate) use a::E;\n");
        assert_eq!(source.used, []);
        let handed_on: Vec<_> =
            source.handed_on.iter().map(|(name, path)| format!("{name}={}", path.join("::"))).collect();
        assert_eq!(handed_on, ["B=room::a::B", "D=room::a::C", "E=room::a::E"]);
    }

    #[test]
    fn public_types_are_those_that_any_other_file_may_see() {
        let text = "pub struct A;\nstruct B;\npub(super) enum C {}\nimpl T for A { type D = u8; }\npub trait E {}\npub type F = u8;\n\
                    pub const fn g() {}\n";
        let types = read("file.rs", text).types;
        let types: Vec<_> = types.iter().map(|named| format!("{}:{}", named.line, named.name)).collect();
        assert_eq!(types, ["1:A", "3:C", "5:E", "6:F"]);
    }

    #[test]
    fn a_function_is_as_long_as_from_its_name_to_its_brace() {
        let text = "impl A {\n    fn one() {}\n\n    fn three(\n        x: u8,\n    ) {}\n}\ntrait T { fn none(&self); }\n\
                    #[cfg(test)]\nmod tests {\n    fn two() {\n    }\n}\n";
        let functions = read("file.rs", text).functions;
        let lengths: Vec<_> =
            functions.iter().map(|function| (&*function.name, function.line, function.lines)).collect();
        assert_eq!(lengths, [("one", 2, 1), ("three", 4, 3), ("two", 11, 2)]);
    }
}
