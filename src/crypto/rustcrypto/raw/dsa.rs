//! DSA over big numbers in Montgomery form. The `dsa` crate makes parameters; of keys and digests it takes some sizes
//! only.

use super::bn::{Bn, monty, params};
use super::{Error, Result, fill};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use dsa::{Components, KeySize};
use getrandom::SysRng;
use std::cmp::Ordering;
use zeroize::Zeroizing;

const FAILED: Error = Error::Internal("DSA");

/// How often a signature of 0 is made anew: once is next to impossible in a group that is one.
const TRIES: usize = 32;

/// A group, with a key or without one; immutable once made.
pub(in crate::crypto::rustcrypto) struct Dsa {
    q: Bn,
    g: Bn,
    mod_p: BoxedMontyParams,
    mod_q: BoxedMontyParams,
    y: Option<Bn>,
    x: Option<Bn>,
}

impl Dsa {
    /// A group of prime, order of the base and base, which were checked.
    pub(in crate::crypto::rustcrypto) fn group(p: &Bn, q: &Bn, g: &Bn) -> Result<Dsa> {
        Ok(Dsa { q: q.copy(), g: g.copy(), mod_p: params(p)?, mod_q: params(q)?, y: None, x: None })
    }

    /// The group with a public value and, in a private key, the private one.
    pub(in crate::crypto::rustcrypto) fn with_key(mut self, y: &Bn, x: Option<&Bn>) -> Result<Dsa> {
        (self.y, self.x) = (Some(y.copy()), x.map(Bn::copy));
        Ok(self)
    }

    /// A random key pair of the group: the public and the private value.
    pub(in crate::crypto::rustcrypto) fn generate(self) -> Result<(Bn, Bn)> {
        let x = Bn::random_below(&self.q)?;
        Ok((self.base_to(&x)?, x))
    }

    /// Fresh parameters p, q and g, of these sizes in bits.
    pub(in crate::crypto::rustcrypto) fn parameters(bits: usize, q_bits: usize) -> Result<[Bn; 3]> {
        let size = match (bits, q_bits) {
            #[allow(deprecated, reason = "for those who have to")]
            (1024, 160) => KeySize::DSA_1024_160,
            (2048, 224) => KeySize::DSA_2048_224,
            (2048, 256) => KeySize::DSA_2048_256,
            (3072, 256) => KeySize::DSA_3072_256,
            _ => return Err(FAILED),
        };
        // The crate gives up the whole call where the generator fails: it is asked first.
        fill(&mut [0; 32])?;
        let made =
            Components::try_generate_from_rng_with_key_size(&mut SysRng, size).map_err(|_| Error::Random)?;
        let own = |number: &crypto_bigint::BoxedUint| Bn::own(number.clone());
        Ok([own(made.p().as_ref()), own(made.q().as_ref()), own(made.g().as_ref())])
    }

    /// The base to a secret exponent.
    fn base_to(&self, exponent: &Bn) -> Result<Bn> {
        let exponent = Zeroizing::new(exponent.sized(self.mod_q.bits_precision())?);
        Ok(Bn::own(monty(&self.g, &self.mod_p).pow(&exponent).retrieve()))
    }

    /// Of a digest the leftmost bytes, as many as q has, modulo q.
    fn leftmost(&self, digest: &[u8]) -> Result<BoxedMontyForm> {
        let digest = digest.get(..self.q.bits() / 8).unwrap_or(digest);
        Ok(monty(&Bn::from_bytes(digest)?, &self.mod_q))
    }

    /// Signs into r and s, each as long as q. Of a digest that is longer than q the leftmost bits count.
    pub(in crate::crypto::rustcrypto) fn sign(
        &self,
        digest: &[u8],
        r: &mut [u8],
        s: &mut [u8],
    ) -> Result<()> {
        let x = Zeroizing::new(monty(self.x.as_ref().ok_or(FAILED)?, &self.mod_q));
        let digest = self.leftmost(digest)?;
        for _ in 0..TRIES {
            let k = Bn::random_below(&self.q)?;
            let point = monty(&self.base_to(&k)?, &self.mod_q);
            let inverse = Zeroizing::new(monty(&k, &self.mod_q)).invert().into_option().ok_or(FAILED)?;
            let inverse = Zeroizing::new(inverse);
            let sum = Zeroizing::new(&digest + &*Zeroizing::new(&*x * &point));
            let made = &*inverse * &*sum;
            if point.is_nonzero().to_bool() && made.is_nonzero().to_bool() {
                Bn::own(point.retrieve()).to_padded(r)?;
                return Bn::own(made.retrieve()).to_padded(s);
            }
        }
        Err(Error::Internal("DSA signature"))
    }

    /// Checks r and s; every failure is [`Error::Signature`].
    pub(in crate::crypto::rustcrypto) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<()> {
        let y = self.y.as_ref().ok_or(FAILED)?;
        let (r, s) = (Bn::from_bytes(r)?, Bn::from_bytes(s)?);
        let in_range = |number: &Bn| number.bits() > 0 && number.cmp(&self.q) == Ordering::Less;
        if !in_range(&r) || !in_range(&s) {
            return Err(Error::Signature);
        }
        let inverse = monty(&s, &self.mod_q).invert().into_option().ok_or(Error::Signature)?;
        let for_base = (&self.leftmost(digest)? * &inverse).retrieve();
        let for_key = (&monty(&r, &self.mod_q) * &inverse).retrieve();
        let power = monty(&self.g, &self.mod_p).pow(&for_base) * monty(y, &self.mod_p).pow(&for_key);
        let found = Bn::own(power.retrieve()).div_rem(&self.q)?.1;
        match found.cmp(&r) {
            Ordering::Equal => Ok(()),
            _ => Err(Error::Signature),
        }
    }
}
