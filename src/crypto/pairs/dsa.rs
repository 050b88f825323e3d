//! DSA (FIPS 186-4), which FIPS 186-5 keeps for the verification of old signatures only.

use super::super::{Error, Result};
use super::raw::{Bn, Dsa};
use crate::types::SecretBytes;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A prime, the order of the base, and the base. Cloning shares them.
#[derive(Clone)]
pub struct DsaGroup(Arc<Group>);

struct Group {
    p: Bn,
    q: Bn,
    g: Bn,
}

/// A public key. Cloning shares it.
#[derive(Clone)]
pub struct DsaPublic(Arc<Public>);

struct Public {
    group: DsaGroup,
    key: Dsa,
    y: Vec<u8>,
}

/// A private key. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct DsaPrivate(Arc<Private>);

struct Private {
    key: Dsa,
    x: SecretBytes,
    public: DsaPublic,
}

impl fmt::Debug for DsaGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DsaGroup({} bits)", self.0.p.bits())
    }
}

impl fmt::Debug for DsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DsaPublic({} bits)", self.0.group.0.p.bits())
    }
}

impl fmt::Debug for DsaPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DsaPrivate({} bits)", self.0.public.0.group.0.p.bits())
    }
}

const P_SIZE: Error = Error::KeySize("DSA: a prime has 512 to 3072 bits");
const Q_SIZE: Error = Error::KeySize("DSA: a subprime has 160, 224 or 256 bits");
const BAD_GROUP: Error = Error::Key("DSA: prime, subprime and base do not belong together");

impl DsaGroup {
    /// Sizes of the prime in bits.
    pub const BITS: (usize, usize) = (512, 3072);

    /// From big-endian numbers: [`Error::KeySize`] for sizes that DSA does not have, [`Error::Key`] where the subprime
    /// does not divide p - 1, or is not the order of the base. That both primes are prime is not tested.
    pub fn new(p: &[u8], q: &[u8], g: &[u8]) -> Result<DsaGroup> {
        // Bounded before any arithmetic; leading zeros are few.
        if [p, q, g].iter().any(|number| number.len() > 2 * Self::BITS.1 / 8) {
            return Err(P_SIZE);
        }
        let (p, q, g) = (Bn::from_bytes(p)?, Bn::from_bytes(q)?, Bn::from_bytes(g)?);
        if !(Self::BITS.0..=Self::BITS.1).contains(&p.bits()) {
            return Err(P_SIZE);
        }
        if ![160, 224, 256].contains(&q.bits()) {
            return Err(Q_SIZE);
        }
        let in_range = p.is_odd() && q.is_odd() && g.bits() > 1 && g.cmp(&p) == Ordering::Less;
        if !in_range || !p.div_rem(&q)?.1.is_one() || !g.power(&q, &p)?.is_one() {
            return Err(BAD_GROUP);
        }
        Ok(DsaGroup(Arc::new(Group { p, q, g })))
    }

    /// Fresh parameters of a prime and a subprime of these sizes in bits, of those that FIPS 186-4 has
    /// ([`Error::KeySize`]).
    pub fn generate(bits: usize, q_bits: usize) -> Result<DsaGroup> {
        const SIZES: [(usize, usize); 4] = [(1024, 160), (2048, 224), (2048, 256), (3072, 256)];
        if !SIZES.contains(&(bits, q_bits)) {
            return Err(Error::KeySize(
                "DSA: parameters are made of 1024 and 160 bits, 2048 and 224 or 256, 3072 and 256",
            ));
        }
        let [p, q, g] = Dsa::parameters(bits, q_bits)?;
        DsaGroup::new(&p.to_bytes()?, &q.to_bytes()?, &g.to_bytes()?)
    }

    /// The prime, big-endian, without leading zeros.
    pub fn p(&self) -> Result<Vec<u8>> {
        self.0.p.to_bytes()
    }

    /// The subprime, big-endian, without leading zeros.
    pub fn q(&self) -> Result<Vec<u8>> {
        self.0.q.to_bytes()
    }

    /// The base, big-endian, without leading zeros.
    pub fn g(&self) -> Result<Vec<u8>> {
        self.0.g.to_bytes()
    }

    /// Length of the subprime in bytes; a signature has twice as many.
    pub fn order_len(&self) -> usize {
        self.0.q.bits() / 8
    }

    fn raw(&self) -> Result<Dsa> {
        Dsa::group(&self.0.p, &self.0.q, &self.0.g)
    }
}

impl DsaPublic {
    /// From a big-endian public value, which must be in the base's subgroup ([`Error::Key`]).
    pub fn new(group: &DsaGroup, y: &[u8]) -> Result<DsaPublic> {
        const BAD: Error = Error::Key("DSA: the public value is not of the base's subgroup");
        let Group { p, q, .. } = &*group.0;
        if y.len() > 2 * DsaGroup::BITS.1 / 8 {
            return Err(BAD);
        }
        let y = Bn::from_bytes(y)?;
        if y.bits() < 2 || y.cmp(p) != Ordering::Less || !y.power(q, p)?.is_one() {
            return Err(BAD);
        }
        DsaPublic::assemble(group, &y)
    }

    fn assemble(group: &DsaGroup, y: &Bn) -> Result<DsaPublic> {
        let key = group.raw()?.with_key(y, None)?;
        Ok(DsaPublic(Arc::new(Public { group: group.clone(), key, y: y.to_bytes()? })))
    }

    /// The group.
    pub fn group(&self) -> &DsaGroup {
        &self.0.group
    }

    /// The public value, big-endian, without leading zeros.
    pub fn y(&self) -> &[u8] {
        &self.0.y
    }

    /// Checks r || s, each as long as the subprime ([`Error::SignatureLength`]), over a digest, of which the leftmost
    /// bits count, as many as the subprime has.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        let len = self.0.group.order_len();
        if signature.len() != 2 * len {
            return Err(Error::SignatureLength);
        }
        let (r, s) = signature.split_at_checked(len).ok_or(Error::SignatureLength)?;
        self.0.key.verify(digest, r, s)
    }
}

impl DsaPrivate {
    /// A random key. [`Error::Key`] where the group's prime or subprime is none.
    pub fn generate(group: &DsaGroup) -> Result<DsaPrivate> {
        if !(group.0.q.is_prime()? && group.0.p.is_prime()?) {
            return Err(Error::Key("DSA: the prime or the subprime is not prime"));
        }
        let (y, x) = group.raw()?.generate()?;
        DsaPrivate::assemble(group, &y, &x)
    }

    /// From a big-endian private value, which must be between 0 and the subprime ([`Error::Key`]).
    pub fn from_value(group: &DsaGroup, x: &[u8]) -> Result<DsaPrivate> {
        const RANGE: Error = Error::Key("DSA: the private value is not between 0 and the subprime");
        let Group { p, q, g } = &*group.0;
        if x.len() > DsaGroup::BITS.1 / 8 {
            return Err(RANGE);
        }
        let x = Bn::from_bytes(x)?;
        if x.bits() == 0 || x.cmp(q) != Ordering::Less {
            return Err(RANGE);
        }
        DsaPrivate::assemble(group, &g.power(&x, p)?, &x)
    }

    fn assemble(group: &DsaGroup, y: &Bn, x: &Bn) -> Result<DsaPrivate> {
        let key = group.raw()?.with_key(y, Some(x))?;
        let public = DsaPublic::assemble(group, y)?;
        Ok(DsaPrivate(Arc::new(Private { key, x: SecretBytes::from(x.to_bytes()?), public })))
    }

    /// The private value, big-endian, without leading zeros.
    pub fn value(&self) -> SecretBytes {
        self.0.x.clone()
    }

    /// The public half.
    pub fn public(&self) -> DsaPublic {
        self.0.public.clone()
    }

    /// Signs a digest, of which the leftmost bits count, into `out` of exactly twice the subprime's length: r || s.
    /// The nonce is random.
    pub fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<()> {
        const WRONG: Error = Error::Param("output buffer must be exactly as long as the signature");
        let len = self.0.public.0.group.order_len();
        if out.len() != 2 * len {
            return Err(WRONG);
        }
        let (r, s) = out.split_at_mut_checked(len).ok_or(WRONG)?;
        self.0.key.sign(digest, r, s)
    }
}
