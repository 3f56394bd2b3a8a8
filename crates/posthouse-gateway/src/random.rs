//! Randomness, from the system.

/// A number from 0 up to, but not including, 1. A system without randomness gives 0.5: jitter is then lost, nothing else.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for it")]
pub fn fraction() -> f64 {
    // 32 bits are an exact f64.
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / (f64::from(u32::MAX) + 1.0))
}

/// Random bytes, for keys and for the name of this run.
///
/// # Errors
/// The system has none.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for it")]
pub fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
