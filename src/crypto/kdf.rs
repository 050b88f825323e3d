//! Argon2id (RFC 9106): PINs and passwords into keys.

use super::{Error, Result};
use crate::types::LockedKey;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

/// The most memory that a derivation may ask for, in KiB: 4 GiB.
const MAX_M_KIB: u32 = 4 * 1024 * 1024;
/// The most passes: beyond it, a forged parameter would only stop the host.
const MAX_T: u32 = 1 << 16;
/// The most lanes.
const MAX_P: u32 = 64;

/// Derives a 32-byte key from a PIN: `m_kib` KiB of memory (8 * `p` to 4 GiB), `t` passes (1 to 65536), `p` lanes (1
/// to 64), a salt of 8 bytes or more ([`Error::Param`] otherwise). [`Error::Memory`] if the memory is not to be had.
/// The memory is wiped afterwards.
pub fn argon2id(pin: &[u8], salt: &[u8], m_kib: u32, t: u32, p: u32) -> Result<LockedKey> {
    LockedKey::random(|out| argon2id_into(pin, salt, (m_kib, t, p), out))
}

/// The same for a key of any length of 4 bytes or more ([`Error::Param`] otherwise). The numbers are KiB of memory,
/// passes and lanes. Fills `out`.
pub fn argon2id_into(
    password: &[u8],
    salt: &[u8],
    (m_kib, t, p): (u32, u32, u32),
    out: &mut [u8],
) -> Result<()> {
    const RANGE: Error = Error::Param("Argon2id: memory, passes, lanes, salt or length out of range");
    if m_kib > MAX_M_KIB || t > MAX_T || p > MAX_P {
        return Err(RANGE);
    }
    let params = Params::new(m_kib, t, p, Some(out.len())).map_err(|_| RANGE)?;
    let mut memory = Memory::new(params.block_count())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password, salt, out, &mut memory.0).map_err(|_| RANGE)
}

/// Working memory that is wiped when dropped.
struct Memory(Vec<Block>);

impl Memory {
    fn new(blocks: usize) -> Result<Memory> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).map_err(|_| Error::Memory)?;
        memory.resize(blocks, Block::default());
        Ok(Memory(memory))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for block in &mut self.0 {
            block.zeroize();
        }
    }
}
