//! A picture of 12 megapixels made to fit 600 KB, by posthouse-media and by ImageMagick, in turn on the same machine. Ends with 1
//! where ImageMagick is faster, and with 2 where it is not there to be measured against.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use posthouse_media::{Fitted, Wish, fit};

const WIDTH: u16 = 4000;
const HEIGHT: u16 = 3000;
const MAX_BYTES: usize = 600_000;
/// Rounds in which each is measured once; the shortest time of each counts, which the fewest other things on the machine have a
/// part in.
const ROUNDS: usize = 7;

fn main() -> ExitCode {
    if !Command::new("convert")
        .arg("-version")
        .output()
        .is_ok_and(|version| version.stdout.starts_with(b"Version: ImageMagick"))
    {
        eprintln!("ImageMagick's `convert` is not in the PATH: apt-get install imagemagick");
        return ExitCode::from(2);
    }
    let folder = std::env::temp_dir().join(format!("posthouse-pictures-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the pictures");
    let kept = measure(&folder);
    fs::remove_dir_all(&folder).expect("the folder can go");
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(folder: &Path) -> bool {
    let photo = photo();
    fs::write(folder.join("in.jpg"), &photo).expect("room for a picture");
    let fitted = adapt(&photo);
    let size = fitted.after.to_string().replace('×', "x");
    println!(
        "{WIDTH}x{HEIGHT}, {} bytes -> {size}, {} bytes, at most {MAX_BYTES}",
        photo.len(),
        fitted.bytes.len()
    );
    let hint = format!("jpeg:size={size}");
    // The same limit; the same size at a quality like ours; and that with the hint to decode no more than is needed.
    let ways: [(&str, Vec<&str>); 3] = [
        ("extent", vec!["in.jpg", "-auto-orient", "-strip", "-define", "jpeg:extent=600KB", "out.jpg"]),
        ("resize", vec!["in.jpg", "-auto-orient", "-strip", "-resize", &size, "-quality", "85", "out.jpg"]),
        (
            "hinted",
            vec![
                "-define",
                &hint,
                "in.jpg",
                "-auto-orient",
                "-strip",
                "-resize",
                &size,
                "-quality",
                "85",
                "out.jpg",
            ],
        ),
    ];
    let mut own = Duration::MAX;
    let mut theirs = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        own = own.min(time(|| drop(adapt(&photo))));
        for (best, (_, arguments)) in theirs.iter_mut().zip(&ways) {
            *best = (*best).min(time(|| convert(folder, arguments)));
        }
    }
    println!("posthouse-media   {own:>9.1?}   {} KB of memory at most", peak_memory_kb());
    for (best, (name, _)) in theirs.iter().zip(&ways) {
        println!(
            "convert, {name}   {best:>9.1?}   ours / theirs {:.2}",
            own.as_secs_f64() / best.as_secs_f64()
        );
    }
    // The hint is one that nobody gives who does not know the size beforehand: it is measured, and no bar.
    own <= theirs[0] && own <= theirs[1]
}

fn adapt(photo: &[u8]) -> Fitted {
    fit(photo, &Wish { max_bytes: MAX_BYTES, jpeg: true, png: true }, &|| false).expect("it fits")
}

fn convert(folder: &Path, arguments: &[&str]) {
    let status = Command::new("convert").args(arguments).current_dir(folder).status();
    assert!(status.expect("convert starts").success());
}

fn time(call: impl FnOnce()) -> Duration {
    let began = Instant::now();
    call();
    began.elapsed()
}

/// The most memory that this process had, in KB; 0 where the system does not tell.
fn peak_memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// A picture like a photograph: surfaces, edges, texture at every scale, and the grain of a sensor.
fn photo() -> Vec<u8> {
    let mut pixels = Vec::with_capacity(usize::from(WIDTH) * usize::from(HEIGHT) * 3);
    for y in 0..u32::from(HEIGHT) {
        for x in 0..u32::from(WIDTH) {
            let scales = [(512, 90), (128, 40), (32, 24), (8, 14), (1, 8)];
            let light: u32 = scales.iter().map(|(scale, weight)| noise(x, y, *scale) * weight / 255).sum();
            let edge = if noise(x, y, 256) > 140 { 40 } else { 0 };
            let colour = |shift: u32| (light + edge + noise(x + shift, y, 700) / 8).min(255) as u8;
            pixels.extend([colour(0), colour(5000), colour(9000)]);
        }
    }
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 92);
    encoder.encode(&pixels, WIDTH, HEIGHT, jpeg_encoder::ColorType::Rgb).expect("a picture can be written");
    file
}

/// Value noise of this scale, from 0 to 255.
fn noise(x: u32, y: u32, scale: u32) -> u32 {
    let corner = |x: u32, y: u32| {
        let mut state =
            (x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b)) ^ scale.wrapping_mul(0xc2b2_ae35);
        state = (state ^ (state >> 15)).wrapping_mul(0x2c1b_3c6d);
        (state ^ (state >> 13)) & 0xff
    };
    let (left, top) = (x / scale, y / scale);
    let (right, down) = (x % scale, y % scale);
    let between = |from: u32, to: u32, at: u32| (from * (scale - at) + to * at) / scale;
    let above = between(corner(left, top), corner(left + 1, top), right);
    let below = between(corner(left, top + 1), corner(left + 1, top + 1), right);
    between(above, below, down)
}
