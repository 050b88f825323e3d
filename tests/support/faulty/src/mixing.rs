//! What stands in for cryptography: mixtures of a key and data, the same each time.

/// So many bytes that depend on every byte of `parts`.
pub fn mix(key: u64, parts: &[&[u8]], length: usize) -> Vec<u8> {
    let mut state = key ^ 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in *part {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        state = step(state ^ 0xff);
    }
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = step(state);
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The data under a key stream that starts at `position`; again, and it is the data.
pub fn cipher(key: u64, position: usize, data: &[u8]) -> Vec<u8> {
    let stream = mix(key, &[], position + data.len());
    data.iter().zip(stream.iter().skip(position)).map(|(byte, pad)| byte ^ pad).collect()
}

fn step(state: u64) -> u64 {
    let mut value = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
