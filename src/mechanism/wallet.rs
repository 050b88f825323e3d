//! keyward's own mechanisms, for keys in devices: BIP-32 wallets. The rows say how they
//! are called and what their parameters are; what they do is the device's, so that they have no function here.

use crate::types::ck;

use super::descriptor::{Descriptor, Ops, Provider};
use super::ec::FLAGS;
use super::params::ParamKind;

macro_rules! row {
    ($kind:ident, $key_types:expr, $param:ident) => {
        Descriptor {
            kind: ck::$kind,
            name: stringify!($kind),
            key_types: $key_types,
            min_key_size: 256,
            max_key_size: 256,
            param: ParamKind::$param,
            ops: Ops::NONE,
            extra_flags: FLAGS,
            legacy: false,
            fips: false,
            provider: Provider::Device,
            vectors: "",
        }
    };
}

pub(super) const ROWS: &[Descriptor] = &[
    row!(CKM_KEYWARD_BIP32_MASTER_GEN, &[ck::CKK_EC], Bip32Master),
    row!(CKM_KEYWARD_BIP32_CHILD_DERIVE, &[ck::CKK_EC], Bip32Child),
];
