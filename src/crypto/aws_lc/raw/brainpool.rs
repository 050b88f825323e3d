//! Curves that AWS-LC has no name for: groups made of their parameters.
//!
//! AWS-LC runs such a group on the same code as secp256k1: Montgomery arithmetic of fixed width, and a multiplication
//! with a window whose table is read in constant time (`ec_GFp_mont_mul`). It insists on cofactor 1.

use super::bn::Bn;
use super::ec::Point;
use super::{Error, Result, check, fresh, owned};
use crate::crypto::Curve;
use aws_lc_sys as sys;
use std::ffi::CStr;
use std::ptr::null_mut;

owned!(
    /// A curve with its generator.
    Group, EC_GROUP, EC_GROUP_free
);

/// A short Weierstrass curve of prime order over a prime field, its numbers in hexadecimal.
struct Parameters {
    p: &'static CStr,
    a: &'static CStr,
    b: &'static CStr,
    x: &'static CStr,
    y: &'static CStr,
    order: &'static CStr,
}

/// brainpoolP256r1 (RFC 5639, section 3.4).
const BRAINPOOL_P256R1: Parameters = Parameters {
    p: c"a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
    a: c"7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
    b: c"26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6",
    x: c"8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262",
    y: c"547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997",
    order: c"a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
};

/// brainpoolP384r1 (RFC 5639, section 3.6).
const BRAINPOOL_P384R1: Parameters = Parameters {
    p: c"8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
    a: c"7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
    b: c"04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
    x: c"1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e",
    y: c"8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315",
    order:
        c"8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
};

/// brainpoolP512r1 (RFC 5639, section 3.7).
const BRAINPOOL_P512R1: Parameters = Parameters {
    p: c"aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871\
             7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3",
    a: c"7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc\
             2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca",
    b: c"3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a7\
             2bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723",
    x: c"81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098e\
             ff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822",
    y: c"7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111\
             b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892",
    order: c"aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870\
             553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069",
};

/// The group of a curve without a name in AWS-LC; `None` for the others.
pub(super) fn group(curve: Curve) -> Result<Option<Group>> {
    match curve {
        Curve::BrainpoolP256r1 => Group::new(&BRAINPOOL_P256R1).map(Some),
        Curve::BrainpoolP384r1 => Group::new(&BRAINPOOL_P384R1).map(Some),
        Curve::BrainpoolP512r1 => Group::new(&BRAINPOOL_P512R1).map(Some),
        Curve::P256 | Curve::P384 | Curve::P521 | Curve::Secp256k1 => Ok(None),
    }
}

impl Group {
    fn new(parameters: &Parameters) -> Result<Group> {
        const FAILED: Error = Error::Internal("curve parameters");
        let number = |digits| Bn::from_hex(digits);
        let (p, a, b) = (number(parameters.p)?, number(parameters.a)?, number(parameters.b)?);
        let (x, y) = (number(parameters.x)?, number(parameters.y)?);
        let (order, cofactor) = (number(parameters.order)?, Bn::from_u64(1)?);
        // SAFETY: live numbers, which AWS-LC copies; a null scratch space makes it allocate its own.
        let group = unsafe { sys::EC_GROUP_new_curve_GFp(p.as_ptr(), a.as_ptr(), b.as_ptr(), null_mut()) };
        let group = Group(fresh(group, FAILED)?);
        // SAFETY: the group is live.
        let generator = unsafe { Point::new(group.as_ptr()) }?;
        // SAFETY: live objects of one group, and live numbers, which AWS-LC copies.
        unsafe {
            let status = sys::EC_POINT_set_affine_coordinates_GFp(
                group.raw(),
                generator.as_ptr(),
                x.as_ptr(),
                y.as_ptr(),
                null_mut(),
            );
            check(status, FAILED)?;
            let status = sys::EC_GROUP_set_generator(
                group.raw(),
                generator.as_ptr(),
                order.as_ptr(),
                cofactor.as_ptr(),
            );
            check(status, FAILED)?;
        }
        Ok(group)
    }

    /// The C object, which stays ours.
    pub(super) fn as_ptr(&self) -> *const sys::EC_GROUP {
        self.raw()
    }
}
