//! Keys on short Weierstrass curves: one generic implementation over the traits that the curves' crates share.

use super::bp512::BrainpoolP512r1;
use super::{Error, Result, fill, right_aligned};
use crate::crypto::Curve;
use bp256::BrainpoolP256r1;
use bp384::BrainpoolP384r1;
use ecdsa::hazmat::{sign_prehashed_rfc6979, verify_prehashed};
use ecdsa::{EcdsaCurve, Signature};
use elliptic_curve::ff::PrimeField;
use elliptic_curve::group::{Curve as _, Group};
use elliptic_curve::ops::{Invert, LinearCombination, Reduce};
use elliptic_curve::point::AffineCoordinates;
use elliptic_curve::scalar::IsHigh;
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, Sec1Point, ToSec1Point};
use elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, Generate, NonZeroScalar, ProjectivePoint,
    Scalar,
};
use getrandom::SysRng;
use k256::Secp256k1;
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use sha2::Sha512;
use zeroize::Zeroizing;

const BAD_POINT: Error = Error::Key("EC: the point is not on the curve, or not in SEC 1 form");
const BAD_SCALAR: Error = Error::Key("EC: the private scalar is not between 1 and the order minus 1");
const FAILED: Error = Error::Internal("EC key");

/// A key with its public point, and its scalar if it is private; immutable once made.
pub(in crate::crypto::rustcrypto) struct EcKey(Box<dyn Operations>);

/// What a key of any curve does.
trait Operations: Send + Sync {
    fn point(&self) -> Vec<u8>;
    fn scalar(&self) -> Result<Vec<u8>>;
    fn plus(&self, number: &[u8]) -> Result<EcKey>;
    fn sign(&self, digest: &[u8], r: &mut [u8], s: &mut [u8]) -> Result<u8>;
    fn halve(&self, s: &mut [u8]) -> Result<bool>;
    fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<()>;
    fn recovery_id(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<u8>;
    fn ecdh(&self, peer: &[u8], out: &mut [u8]) -> Result<()>;
}

/// How keys of a curve are made.
struct Makers {
    generate: fn() -> Result<EcKey>,
    private: fn(&[u8]) -> Result<EcKey>,
    public: fn(&[u8]) -> Result<EcKey>,
}

fn makers(curve: Curve) -> Makers {
    match curve {
        Curve::P256 => Key::<NistP256>::MAKERS,
        Curve::P384 => Key::<NistP384>::MAKERS,
        Curve::P521 => Key::<NistP521>::MAKERS,
        Curve::Secp256k1 => Key::<Secp256k1>::MAKERS,
        Curve::BrainpoolP256r1 => Key::<BrainpoolP256r1>::MAKERS,
        Curve::BrainpoolP384r1 => Key::<BrainpoolP384r1>::MAKERS,
        Curve::BrainpoolP512r1 => Key::<BrainpoolP512r1>::MAKERS,
    }
}

impl EcKey {
    /// A random private key.
    pub(in crate::crypto::rustcrypto) fn generate(curve: Curve) -> Result<EcKey> {
        (makers(curve).generate)()
    }

    /// A private key from its big-endian scalar; computes the public point.
    pub(in crate::crypto::rustcrypto) fn private(curve: Curve, scalar: &[u8]) -> Result<EcKey> {
        (makers(curve).private)(scalar)
    }

    /// A public key from a SEC 1 point.
    pub(in crate::crypto::rustcrypto) fn public(curve: Curve, point: &[u8]) -> Result<EcKey> {
        // Neither the hybrid form nor the point at infinity.
        match point.first() {
            Some(2..=4) => (makers(curve).public)(point),
            _ => Err(BAD_POINT),
        }
    }

    /// The uncompressed SEC 1 point, of `1 + 2 * field_len` bytes.
    pub(in crate::crypto::rustcrypto) fn point(&self, _: Curve) -> Result<Vec<u8>> {
        Ok(self.0.point())
    }

    /// The scalar, big-endian, of `order_len` bytes.
    pub(in crate::crypto::rustcrypto) fn scalar(&self, _: Curve) -> Result<Vec<u8>> {
        self.0.scalar()
    }

    /// The private key of this one's scalar plus `number`, modulo the order. [`Error::Key`] for a number from the order
    /// on, and where the sum is 0.
    pub(in crate::crypto::rustcrypto) fn plus(&self, _: Curve, number: &[u8]) -> Result<EcKey> {
        self.0.plus(number)
    }

    /// Signs into r and s, each as long as the order.
    pub(in crate::crypto::rustcrypto) fn sign(
        &self,
        digest: &[u8],
        r: &mut [u8],
        s: &mut [u8],
    ) -> Result<()> {
        self.0.sign(digest, r, s).map(|_| ())
    }

    /// Signs into r and s, each as long as the order, with s in the order's lower half. Returns the recovery ID.
    pub(in crate::crypto::rustcrypto) fn sign_recoverable(
        &self,
        digest: &[u8],
        r: &mut [u8],
        s: &mut [u8],
    ) -> Result<u8> {
        let id = self.0.sign(digest, r, s)?;
        // The other signature for the same digest: its point is the negative of this one's.
        Ok(id ^ u8::from(self.0.halve(s)?))
    }

    /// The recovery ID of a signature over a digest as long as the order. [`Error::Signature`] where the signature does
    /// not hold for this key.
    pub(in crate::crypto::rustcrypto) fn recovery_id(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<u8> {
        self.0.verify(digest, r, s)?;
        self.0.recovery_id(digest, r, s)
    }

    /// Checks r and s; every failure is [`Error::Signature`].
    pub(in crate::crypto::rustcrypto) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<()> {
        self.0.verify(digest, r, s)
    }

    /// The x coordinate shared with a peer's SEC 1 point, into `out` of `field_len` bytes.
    pub(in crate::crypto::rustcrypto) fn ecdh(&self, peer: &[u8], out: &mut [u8]) -> Result<()> {
        match peer.first() {
            Some(2..=4) => self.0.ecdh(peer, out),
            _ => Err(BAD_POINT),
        }
    }
}

struct Key<C: CurveArithmetic> {
    point: AffinePoint<C>,
    scalar: Option<Zeroizing<NonZeroScalar<C>>>,
}

/// As many bytes as a field element has, with zeros before the number.
fn field_bytes<C: CurveArithmetic>(number: &[u8]) -> Option<Zeroizing<FieldBytes<C>>> {
    let mut bytes = Zeroizing::new(FieldBytes::<C>::default());
    right_aligned(number, &mut bytes).ok()?;
    Some(bytes)
}

/// Of a digest the leftmost bits, as many as the order has, as a number.
fn leftmost<C: CurveArithmetic>(digest: &[u8]) -> Result<FieldBytes<C>> {
    let mut bytes = FieldBytes::<C>::default();
    let digest = digest.get(..bytes.len()).unwrap_or(digest);
    right_aligned(digest, &mut bytes)?;
    let excess = (bytes.len() * 8).saturating_sub(Scalar::<C>::NUM_BITS as usize);
    if excess > 0 && digest.len() == bytes.len() {
        // Only P-521 has an order of no whole bytes: seven bits too many.
        let mut carry = 0u16;
        for byte in bytes.iter_mut() {
            carry = (carry << 8) | u16::from(*byte);
            *byte = u8::try_from((carry >> excess) & 0xff).map_err(|_| FAILED)?;
        }
    }
    Ok(bytes)
}

impl<C> Key<C>
where
    C: EcdsaCurve + CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    NonZeroScalar<C>: zeroize::Zeroize,
    Key<C>: 'static,
{
    const MAKERS: Makers =
        Makers { generate: Self::generate, private: Self::from_scalar, public: Self::from_point };

    fn generate() -> Result<EcKey> {
        let scalar = NonZeroScalar::<C>::try_generate_from_rng(&mut SysRng).map_err(|_| Error::Random)?;
        Ok(Self::with_scalar(Zeroizing::new(scalar)))
    }

    fn from_scalar(scalar: &[u8]) -> Result<EcKey> {
        let bytes = field_bytes::<C>(scalar).ok_or(BAD_SCALAR)?;
        let scalar = NonZeroScalar::<C>::from_repr(*bytes).into_option().ok_or(BAD_SCALAR)?;
        Ok(Self::with_scalar(Zeroizing::new(scalar)))
    }

    fn with_scalar(scalar: Zeroizing<NonZeroScalar<C>>) -> EcKey {
        let point = ProjectivePoint::<C>::mul_by_generator(scalar.as_ref()).to_affine();
        EcKey(Box::new(Key::<C> { point, scalar: Some(scalar) }))
    }

    fn from_point(point: &[u8]) -> Result<EcKey> {
        Ok(EcKey(Box::new(Key::<C> { point: Self::parse(point)?, scalar: None })))
    }

    fn parse(point: &[u8]) -> Result<AffinePoint<C>> {
        let point = Sec1Point::<C>::from_bytes(point).map_err(|_| BAD_POINT)?;
        AffinePoint::<C>::from_sec1_point(&point).into_option().ok_or(BAD_POINT)
    }

    fn secret(&self) -> Result<&NonZeroScalar<C>> {
        self.scalar.as_deref().ok_or(FAILED)
    }

    fn signature(r: &[u8], s: &[u8]) -> Option<Signature<C>> {
        let (r, s) = (field_bytes::<C>(r)?, field_bytes::<C>(s)?);
        Signature::from_scalars(*r, *s).ok()
    }
}

impl<C> Operations for Key<C>
where
    C: EcdsaCurve + CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    NonZeroScalar<C>: zeroize::Zeroize,
    Key<C>: 'static,
{
    fn point(&self) -> Vec<u8> {
        self.point.to_sec1_point(false).as_bytes().to_vec()
    }

    fn scalar(&self) -> Result<Vec<u8>> {
        Ok(Zeroizing::new(self.secret()?.to_repr()).to_vec())
    }

    fn plus(&self, number: &[u8]) -> Result<EcKey> {
        const NUMBER: Error = Error::Key("a number is not below the order");
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let bytes = field_bytes::<C>(number.get(zeros..).unwrap_or_default()).ok_or(NUMBER)?;
        let number = Scalar::<C>::from_repr(*bytes).into_option().ok_or(NUMBER)?;
        let number = Zeroizing::new(number);
        let sum = Zeroizing::new(**self.secret()? + *number);
        let sum = NonZeroScalar::<C>::new(*sum).into_option().ok_or(BAD_SCALAR)?;
        Ok(Self::with_scalar(Zeroizing::new(sum)))
    }

    fn sign(&self, digest: &[u8], r: &mut [u8], s: &mut [u8]) -> Result<u8> {
        let mut fresh = Zeroizing::new([0; 32]);
        fill(&mut *fresh)?;
        let (signature, id) =
            sign_prehashed_rfc6979::<C, Sha512>(self.secret()?, &leftmost::<C>(digest)?, &*fresh);
        let (r_bytes, s_bytes) = signature.split_bytes();
        right_aligned(&r_bytes, r)?;
        right_aligned(&s_bytes, s)?;
        Ok(id.to_byte())
    }

    /// Takes n - s for s if that is the smaller one.
    fn halve(&self, s: &mut [u8]) -> Result<bool> {
        let bytes = field_bytes::<C>(s).ok_or(FAILED)?;
        let scalar = Scalar::<C>::from_repr(*bytes).into_option().ok_or(FAILED)?;
        if !bool::from(scalar.is_high()) {
            return Ok(false);
        }
        right_aligned(&(-scalar).to_repr(), s)?;
        Ok(true)
    }

    fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<()> {
        let signature = Self::signature(r, s).ok_or(Error::Signature)?;
        // Where signatures are made with s in the lower half, the crate refuses those of the upper one, which are as
        // good; both hold or none does.
        let signature = if C::NORMALIZE_S { signature.normalize_s() } else { signature };
        let point = ProjectivePoint::<C>::from(self.point);
        verify_prehashed(&point, &leftmost::<C>(digest)?, &signature).map_err(|_| Error::Signature)
    }

    /// Bit 0 is the parity of the ephemeral point's y, bit 1 says that its x is not below the order (SEC 1, section
    /// 4.1.6).
    fn recovery_id(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<u8> {
        let (r, s) = Self::signature(r, s).ok_or(Error::Signature)?.split_scalars();
        let digest = <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&leftmost::<C>(digest)?);
        let inverse = *s.invert();
        let terms = [
            (ProjectivePoint::<C>::generator(), digest * inverse),
            (ProjectivePoint::<C>::from(self.point), *r * inverse),
        ];
        let point = ProjectivePoint::<C>::lincomb_vartime(&terms).to_affine();
        let x = point.x();
        let reduced = <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&x).to_repr();
        Ok(u8::from(bool::from(point.y_is_odd())) | u8::from(reduced != x) << 1)
    }

    fn ecdh(&self, peer: &[u8], out: &mut [u8]) -> Result<()> {
        let peer = ProjectivePoint::<C>::from(Self::parse(peer)?);
        let shared = Zeroizing::new((peer * **self.secret()?).to_affine());
        right_aligned(&Zeroizing::new(shared.x()), out)
    }
}
