//! BIP-32 wallets, and signatures from which the public key can be computed.

use keyward::crypto::{Curve, EcPublic};
use keyward::types::ck::{
    CK_KEYWARD_BIP32_CHILD_PARAMS, CK_KEYWARD_BIP32_MASTER_PARAMS, CK_KEYWARD_MNEMONIC_LEN,
    CKA_KEYWARD_WALLET_ADDRESS, CKA_KEYWARD_WALLET_NAME, CKM_KEYWARD_BIP32_CHILD_DERIVE,
    CKM_KEYWARD_BIP32_MASTER_GEN, CKM_KEYWARD_ECDSA_RECOVERABLE,
};
use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, ulen};

use crate::desk::*;

#[test]
fn wallets() {
    let desk = Desk::new("HSM6");
    let session = desk.session();
    // Without a parameter nothing is shown.
    let (_, plain) =
        pair_with(&session, &Mech::new(CKM_KEYWARD_BIP32_MASTER_GEN), &SECP256K1, b"m0").unwrap();
    assert!(session.get(plain, CKA_KEYWARD_WALLET_NAME).unwrap().starts_with(b"keyward-"));

    let (name, mut sentence) = (b"savings".to_vec(), vec![0u8; 256]);
    let mut params = CK_KEYWARD_BIP32_MASTER_PARAMS {
        pWalletName: name.as_ptr().cast_mut(),
        ulWalletNameLen: ulen(name.len()),
        pMnemonic: sentence.as_mut_ptr(),
        ulMnemonicLen: CK_KEYWARD_MNEMONIC_LEN - 1,
    };
    let short = Mech::with_struct(CKM_KEYWARD_BIP32_MASTER_GEN, &params, Vec::new());
    assert_eq!(pair_with(&session, &short, &SECP256K1, b"m1").unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    params.ulMnemonicLen = CK_KEYWARD_MNEMONIC_LEN;
    let mech = Mech::with_struct(CKM_KEYWARD_BIP32_MASTER_GEN, &params, Vec::new());
    let (_, master) = pair_with(&session, &mech, &SECP256K1, b"m1").unwrap();
    let words = String::from_utf8(sentence).unwrap();
    assert_eq!(words.trim_end_matches('\0').split(' ').count(), 24, "the sentence has another length");
    assert_eq!(session.get(master, CKA_KEYWARD_WALLET_NAME).unwrap(), b"savings");
    assert_eq!(session.get(master, CKA_KEYWARD_WALLET_ADDRESS).unwrap(), b"m");
    // The length came back in the caller's structure: for another call it says how much room there is once more.
    let mech = Mech::with_struct(CKM_KEYWARD_BIP32_MASTER_GEN, &params, Vec::new());
    assert_eq!(pair_with(&session, &mech, &SECP256K1, b"m2").unwrap_err(), CKR_FUNCTION_REJECTED);

    let child = |parent, index: CK_ULONG, hardened: bool, template: &[Attr]| {
        let params = CK_KEYWARD_BIP32_CHILD_PARAMS { ulIndex: index, bHardened: hardened.into() };
        session.derive(
            &Mech::with_struct(CKM_KEYWARD_BIP32_CHILD_DERIVE, &params, Vec::new()),
            parent,
            template,
        )
    };
    let stays = [Attr::token(true), Attr::label("account")];
    let account = child(master, 44, true, &stays).unwrap();
    assert_eq!(session.get(account, CKA_KEYWARD_WALLET_ADDRESS).unwrap(), b"m/44'");
    assert_eq!(session.get(account, CKA_LABEL).unwrap(), b"account");
    let leaf = child(account, 7, false, &[Attr::token(true)]).unwrap();
    assert_eq!(session.get(leaf, CKA_KEYWARD_WALLET_ADDRESS).unwrap(), b"m/44'/7");
    // The same child again is the same key.
    assert_eq!(child(account, 7, false, &[Attr::token(true)]).unwrap(), leaf);
    let found =
        session.find(&[Attr::bytes(CKA_KEYWARD_WALLET_ADDRESS, b"m/44'/7"), Attr::class(CKO_PRIVATE_KEY)]);
    assert_eq!(found.unwrap(), [leaf]);
    assert_eq!(child(master, 1 << 31, true, &stays).unwrap_err(), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(child(master, 1, true, &[]).unwrap_err(), CKR_TEMPLATE_INCONSISTENT);
    let open = [Attr::token(true), Attr::bool(CKA_EXTRACTABLE, true)];
    assert_eq!(child(master, 1, true, &open).unwrap_err(), CKR_TEMPLATE_INCONSISTENT);
    let factory = private(&session, 0);
    assert_eq!(child(factory, 1, true, &stays).unwrap_err(), CKR_MECHANISM_INVALID);

    // A signature whose public key can be computed from it.
    let signature = session.sign(&Mech::new(CKM_KEYWARD_ECDSA_RECOVERABLE), leaf, &[5; 32]).unwrap();
    assert_eq!(signature.len(), 65);
    assert!(signature[64] <= 3);
    let key = EcPublic::from_point(Curve::Secp256k1, &point(&session, leaf)).unwrap();
    key.verify(&[5; 32], &signature[..64]).unwrap();
    let log = desk.log();
    let first = words.split(' ').take(3).collect::<Vec<_>>().join(" ");
    assert!(!log.contains(&first));
    desk.harmless();
}
