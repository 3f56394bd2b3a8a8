//! Mutations of vectors by a seeded generator: what the targets are run over as ordinary tests, where there is no libFuzzer. The tests
//! that do it include this file.

/// A small generator of pseudo-random numbers (xorshift), the same at every run.
pub struct Chance(pub u64);

impl Chance {
    /// A number below `bound`, 0 for none.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0).checked_rem(bound).unwrap_or(0)
    }
}

/// What is put into vectors.
pub struct Ingredients<'a> {
    /// Pieces that mean something to what is tested.
    pub pieces: &'a [&'a str],
    /// Other vectors, of which pieces are taken.
    pub vectors: &'a [Vec<u8>],
}

/// A vector with up to four changes.
pub fn mutated(vector: &[u8], ingredients: &Ingredients<'_>, chance: &mut Chance) -> Vec<u8> {
    let mut data = vector.to_vec();
    for _ in 0..=chance.below(3) {
        change(&mut data, ingredients, chance);
    }
    data
}

/// One change: bytes cut off, taken out, repeated, replaced or flipped, or a piece put in.
fn change(data: &mut Vec<u8>, ingredients: &Ingredients<'_>, chance: &mut Chance) {
    const SPECIAL: &[u8] = b"\0 <>&\"\n-\xff9";
    let at = chance.below(data.len() + 1);
    let end = (at + chance.below(40)).min(data.len());
    match chance.below(8) {
        0 => data.truncate(at),
        1 => drop(data.drain(at..end)),
        2 => drop(data.splice(at..at, data[at..end].to_vec())),
        3 => data[at..end].fill(SPECIAL[chance.below(SPECIAL.len())]),
        4 => data[at..end].iter_mut().for_each(|byte| *byte ^= 1 << chance.below(8)),
        5 | 6 if !ingredients.pieces.is_empty() => {
            let piece = ingredients.pieces[chance.below(ingredients.pieces.len())];
            drop(data.splice(at..at, piece.bytes()));
        }
        _ => {
            let other = &ingredients.vectors[chance.below(ingredients.vectors.len())];
            let from = chance.below(other.len());
            let to = (from + chance.below(200)).min(other.len());
            drop(data.splice(at..end, other[from..to].iter().copied()));
        }
    }
}
