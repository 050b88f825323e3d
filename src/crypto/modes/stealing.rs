//! CBC with ciphertext stealing, variant CS1 of the addendum to SP 800-38A: the ciphertext of whole blocks is that of
//! CBC, and a partial last block shortens the one before it. CS2 and CS3 (Kerberos) swap those two.

use super::tail::{BLOCK, Engine, Tailed};
use super::{BlockMode, Ciphers, Direction, Result, Running, SHORT, crypter_within, xor};
use zeroize::Zeroizing;

/// A running message of at least 16 bytes.
pub struct Cts<P: Ciphers>(Tailed<Stealing<P::Chain>>);

struct Stealing<C> {
    cbc: C,
    /// To decrypt the last block alone, which says what was stolen.
    ecb: Option<C>,
}

impl<P: Ciphers> Cts<P> {
    /// Starts under a key of 16, 24 or 32 bytes ([`crate::crypto::Error::KeySize`]).
    pub fn new(direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Self> {
        let cbc = P::aes(BlockMode::Cbc, direction, key, iv)?;
        let ecb = match direction {
            Direction::Encrypt => None,
            Direction::Decrypt => Some(P::aes(BlockMode::Ecb, direction, key, &[0; 16])?),
        };
        Ok(Cts(Tailed::new(Stealing { cbc, ecb })))
    }
}

impl<C: Running> Engine for Stealing<C> {
    fn encrypts(&self) -> bool {
        self.ecb.is_none()
    }

    fn blocks(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        self.cbc.update(input, out)
    }

    fn last(&mut self, input: &[u8], out: &mut [u8]) -> Result<()> {
        // As many bytes of the last block as there are.
        let partial = input.len() - BLOCK;
        if partial == 0 || partial == BLOCK {
            return self.cbc.update(input, out);
        }
        let Stealing { cbc, ecb } = self;
        match ecb {
            None => {
                let mut padded = Zeroizing::new([0; 2 * BLOCK]);
                padded.get_mut(..input.len()).ok_or(SHORT)?.copy_from_slice(input);
                let mut blocks = [0; 2 * BLOCK];
                cbc.update(&*padded, &mut blocks)?;
                let (before, last) = blocks.split_at_checked(BLOCK).ok_or(SHORT)?;
                let (short, whole) = out.split_at_mut_checked(partial).ok_or(SHORT)?;
                short.copy_from_slice(before.get(..partial).ok_or(SHORT)?);
                whole.copy_from_slice(last);
            }
            Some(ecb) => {
                let (short, last) = input.split_at_checked(partial).ok_or(SHORT)?;
                let mut opened = Zeroizing::new([0; BLOCK]);
                ecb.update(last, &mut *opened)?;
                let (first_out, last_out) = out.split_at_mut_checked(BLOCK).ok_or(SHORT)?;
                xor(last_out, &*opened, short);
                // The block before: what was left of it, and what the last one stole.
                let mut before = *opened;
                before.get_mut(..partial).ok_or(SHORT)?.copy_from_slice(short);
                cbc.update(&before, first_out)?;
            }
        }
        Ok(())
    }
}

crypter_within!(Cts<P>);
