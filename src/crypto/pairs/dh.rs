//! Diffie-Hellman in a prime field (PKCS #3, SP 800-56A).
//!
//! The groups of RFC 3526 and RFC 7919 are recognised: in them a peer's value must be of the base's subgroup, and a
//! private value is as short as RFC 7919 (appendix A) lets it be. Of any other group the key's owner vouches for the
//! prime; a key is not generated before it was tested.

use super::super::{Error, Result};
use super::raw::{self, Bn, Dh};
use crate::types::SecretBytes;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A prime and a base. Cloning shares them.
#[derive(Clone)]
pub struct DhGroup(Arc<Group>);

struct Group {
    p: Bn,
    g: Bn,
    /// The order of the base, where the group is known by name.
    q: Option<Bn>,
}

/// A public value in its group. Cloning shares it.
#[derive(Clone)]
pub struct DhPublic {
    group: DhGroup,
    y: Arc<Bn>,
}

/// A private value in its group. Cloning shares it; the last clone wipes it.
#[derive(Clone)]
pub struct DhPrivate(Arc<Private>);

struct Private {
    key: Dh,
    x: SecretBytes,
    public: DhPublic,
}

impl fmt::Debug for DhGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DhGroup({} bits)", self.bits())
    }
}

impl fmt::Debug for DhPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DhPublic({} bits)", self.group.bits())
    }
}

impl fmt::Debug for DhPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DhPrivate({} bits)", self.0.public.group.bits())
    }
}

/// Sizes of the named groups' primes in bits, and of private values in them that match the groups' strength.
const NAMED: &[(usize, usize)] =
    &[(1536, 200), (2048, 225), (3072, 275), (4096, 325), (6144, 375), (8192, 400)];

/// The shortest private value that can be asked for, in bits.
const MIN_PRIVATE_BITS: usize = 160;

impl DhGroup {
    /// Sizes of the prime in bits.
    pub const BITS: (usize, usize) = (1024, 8192);

    /// From big-endian numbers: [`Error::KeySize`] for a prime of another size, [`Error::Key`] for one that is even
    /// and for a base that is not between 1 and p - 1.
    pub fn new(p: &[u8], g: &[u8]) -> Result<DhGroup> {
        // Bounded before any arithmetic.
        if significant(p).len() > Self::BITS.1 / 8 || significant(g).len() > Self::BITS.1 / 8 {
            return Err(Error::KeySize("Diffie-Hellman: a prime has 1024 to 8192 bits"));
        }
        let (p, g) = (Bn::from_bytes(p)?, Bn::from_bytes(g)?);
        if p.bits() < Self::BITS.0 {
            return Err(Error::KeySize("Diffie-Hellman: a prime has 1024 to 8192 bits"));
        }
        if !p.is_odd() || !is_between(&g, &p)? {
            return Err(Error::Key("Diffie-Hellman: the prime is even, or the base not between 1 and p - 1"));
        }
        let q = named_order(&p, &g)?;
        Ok(DhGroup(Arc::new(Group { p, g, q })))
    }

    /// A group to make keys in, of a prime of so many bits: RFC 7919's (for 6144 bits RFC 3526's) where there is
    /// one, else one of a fresh safe prime, which takes its time. [`Error::KeySize`] where neither is to be had.
    pub fn of_size(bits: usize) -> Result<DhGroup> {
        if let Some((p, g)) = raw::named_group(bits)? {
            return DhGroup::new(&p.to_bytes()?, &g.to_bytes()?);
        }
        if !(Self::BITS.0..2048).contains(&bits) || !bits.is_multiple_of(64) {
            return Err(Error::KeySize(
                "Diffie-Hellman: parameters are made of 2048, 3072, 4096, 6144 and 8192 bits, and of 1024 to 1984",
            ));
        }
        let (p, g) = Dh::parameters(bits)?;
        DhGroup::new(&p.to_bytes()?, &g.to_bytes()?)
    }

    /// The prime, big-endian, without leading zeros.
    pub fn p(&self) -> Result<Vec<u8>> {
        self.0.p.to_bytes()
    }

    /// The base, big-endian, without leading zeros.
    pub fn g(&self) -> Result<Vec<u8>> {
        self.0.g.to_bytes()
    }

    /// Whether this is a group of RFC 3526 or RFC 7919 of 2048 bits or more, but for ffdhe6144, which providers lack.
    pub fn is_named(&self) -> Result<bool> {
        let is_ours = |p: &Bn| self.0.p.cmp(p) == Ordering::Equal;
        let named = raw::named_group(self.bits())?.is_some_and(|(p, _)| is_ours(&p))
            || raw::modp_prime(self.bits())?.is_some_and(|p| is_ours(&p));
        Ok(named && self.0.g.cmp(&Bn::from_u64(2)?) == Ordering::Equal)
    }

    /// Size of the prime in bits.
    pub fn bits(&self) -> usize {
        self.0.p.bits()
    }

    fn len(&self) -> usize {
        self.bits().div_ceil(8)
    }

    /// Whether both are the same numbers.
    fn is(&self, other: &DhGroup) -> bool {
        self.0.p.cmp(&other.0.p) == Ordering::Equal && self.0.g.cmp(&other.0.g) == Ordering::Equal
    }
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Whether 1 < number < p - 1.
fn is_between(number: &Bn, p: &Bn) -> Result<bool> {
    Ok(number.bits() > 1 && number.cmp(&p.minus_one()?) == Ordering::Less)
}

/// (p - 1) / 2 of a group that RFC 3526 or RFC 7919 names.
fn named_order(p: &Bn, g: &Bn) -> Result<Option<Bn>> {
    if !NAMED.iter().any(|(bits, _)| *bits == p.bits()) || g.bits() != 2 || g.is_odd() {
        return Ok(None);
    }
    // Their primes begin and end with 64 ones. What looks like that and is none of them is tested as a whole.
    let digits = p.to_bytes()?;
    let ones = [0xff; 8];
    if !digits.starts_with(&ones) || !digits.ends_with(&ones) {
        return Ok(None);
    }
    let q = p.shifted(1)?;
    Ok(Dh::group(p, Some(&q), g)?.is_sound()?.then_some(q))
}

impl DhPublic {
    /// From a big-endian number, which must be between 1 and p - 1 ([`Error::Key`]).
    pub fn new(group: &DhGroup, y: &[u8]) -> Result<DhPublic> {
        const RANGE: Error = Error::Key("Diffie-Hellman: the public value is not between 1 and p - 1");
        if significant(y).len() > group.len() {
            return Err(RANGE);
        }
        let y = Bn::from_bytes(y)?;
        match is_between(&y, &group.0.p)? {
            true => Ok(DhPublic { group: group.clone(), y: Arc::new(y) }),
            false => Err(RANGE),
        }
    }

    /// The group.
    pub fn group(&self) -> &DhGroup {
        &self.group
    }

    /// The public value, big-endian, without leading zeros.
    pub fn y(&self) -> Result<Vec<u8>> {
        self.y.to_bytes()
    }
}

impl DhPrivate {
    /// A random key with a private value of at most so many bits ([`Error::KeySize`]); without a number, of as many
    /// as a named group needs, and otherwise of any length. [`Error::Key`] where the group's prime is none.
    pub fn generate(group: &DhGroup, bits: Option<usize>) -> Result<DhPrivate> {
        let Group { p, g, q } = &*group.0;
        if bits.is_some_and(|bits| !(MIN_PRIVATE_BITS..p.bits()).contains(&bits)) {
            return Err(Error::KeySize(
                "Diffie-Hellman: a private value has 160 bits at least, and fewer than the prime",
            ));
        }
        if q.is_none() && !Dh::group(p, None, g)?.is_sound()? {
            return Err(Error::Key("Diffie-Hellman: the prime is not prime"));
        }
        let usual = || NAMED.iter().find(|(of, _)| *of == p.bits()).filter(|_| q.is_some());
        let bits = bits.or_else(|| usual().map(|(_, bits)| *bits));
        let (y, x) = Dh::group(p, None, g)?.generate(bits)?;
        DhPrivate::assemble(group, y, &x)
    }

    /// From a big-endian private value, which must be between 0 and p - 1 ([`Error::Key`]).
    pub fn from_value(group: &DhGroup, x: &[u8]) -> Result<DhPrivate> {
        const RANGE: Error = Error::Key("Diffie-Hellman: the private value is not between 0 and p - 1");
        let Group { p, g, .. } = &*group.0;
        if significant(x).len() > group.len() {
            return Err(RANGE);
        }
        let x = Bn::from_bytes(x)?;
        if x.bits() == 0 || x.cmp(&p.minus_one()?) != Ordering::Less {
            return Err(RANGE);
        }
        DhPrivate::assemble(group, g.power(&x, p)?, &x)
    }

    fn assemble(group: &DhGroup, y: Bn, x: &Bn) -> Result<DhPrivate> {
        let Group { p, g, q } = &*group.0;
        let key = Dh::group(p, q.as_ref(), g)?.with_key(&y, x)?;
        let public = DhPublic { group: group.clone(), y: Arc::new(y) };
        Ok(DhPrivate(Arc::new(Private { key, x: SecretBytes::from(x.to_bytes()?), public })))
    }

    /// The private value, big-endian, without leading zeros.
    pub fn value(&self) -> SecretBytes {
        self.0.x.clone()
    }

    /// Length of the private value in bits.
    pub fn value_bits(&self) -> usize {
        let first = self.0.x.first().map_or(0, |byte| byte.leading_zeros());
        (self.0.x.len() * 8).saturating_sub(first as usize)
    }

    /// The public half.
    pub fn public(&self) -> DhPublic {
        self.0.public.clone()
    }

    /// The value shared with a peer's big-endian public value, as long as the prime, leading zeros included.
    /// [`Error::Key`] for a peer that is no value of this group, or of a small subgroup.
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes> {
        let peer = DhPublic::new(&self.0.public.group, peer)?;
        self.agree_with(&peer)
    }

    /// The same with a key. [`Error::Key`] for one of another group.
    pub fn agree_with(&self, peer: &DhPublic) -> Result<SecretBytes> {
        if !self.0.public.group.is(&peer.group) {
            return Err(Error::Key("Diffie-Hellman: the peer's key is of another group"));
        }
        let mut shared = SecretBytes::from(raw::buffer(self.0.public.group.len())?);
        self.0.key.agree(&peer.y, &mut shared)?;
        Ok(shared)
    }
}
