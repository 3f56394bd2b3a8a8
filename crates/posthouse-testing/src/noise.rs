//! Content of messages that is no picture and no text: no two are the same, and no compression makes it shorter.

/// The content of the message of this number, in bytes.
pub fn noise(number: u64, length: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut content = vec![0; length];
    // Word by word: in a build that is not optimised, byte by byte takes longer than the gateway has to do with it.
    for place in content.chunks_mut(size_of::<u64>()) {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let word = state.to_le_bytes();
        place.copy_from_slice(word.get(..place.len()).unwrap_or_default());
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_content_of_its_own() {
        let first = [38, 28, 130, 110, 242, 157, 75, 194, 253, 77, 91];
        assert_eq!(noise(7, 11), first);
        assert_eq!(noise(7, 3), first[..3]);
        assert_ne!(noise(8, 11), first);
        assert_eq!(noise(7, 0), [0; 0]);
    }
}
