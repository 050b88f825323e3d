use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::super::{Argument, Launch, Remote};
use super::{NULL, array, asked, attribute, constant, mechanism, mechanism_with, number, pointer};
use crate::types::{ck, length};

const PIN: &[u8] = b"1234";
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// A token of SoftHSM's, in a helper.
struct Rig {
    remote: Remote,
    _place: TempDir,
}

fn softhsm() -> Option<PathBuf> {
    let paths = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
    paths.into_iter().map(PathBuf::from).find(|path| path.exists())
}

/// The token, or nothing where its programs are missing. KEYWARD_TEST_P11_KIT names another p11-kit.
fn rig() -> Option<Rig> {
    let Some(library) = softhsm() else {
        eprintln!("skipped: SoftHSM is not installed");
        return None;
    };
    let place = tempfile::tempdir().unwrap();
    let tokens = place.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let configuration = place.path().join("softhsm2.conf");
    std::fs::write(&configuration, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "far", "--pin", "1234", "--so-pin", "5678"])
        .env("SOFTHSM2_CONF", &configuration)
        .output();
    match made {
        Ok(made) => assert!(made.status.success(), "{made:?}"),
        Err(error) => {
            eprintln!("skipped: softhsm2-util: {error}");
            return None;
        }
    }
    let mut launch = Launch::new(&library, Duration::from_secs(60));
    if let Some(program) = std::env::var_os("KEYWARD_TEST_P11_KIT") {
        launch.command[0] = program;
    }
    launch.environment.push(("SOFTHSM2_CONF".into(), configuration.into()));
    match launch.start() {
        Ok(remote) => Some(Rig { remote, _place: place }),
        Err(error) if error.contains("does not start") => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

impl Rig {
    fn call(&self, name: &'static str, arguments: &[Argument]) -> ck::CK_RV {
        // SAFETY: these tests give valid arguments.
        unsafe { self.remote.call(name, arguments) }
    }

    #[track_caller]
    fn ok(&self, name: &'static str, arguments: &[Argument]) {
        assert_eq!(self.call(name, arguments), ck::CKR_OK, "{name}");
    }

    /// The first slot, of the library that this initialises.
    fn slot(&self) -> ck::CK_SLOT_ID {
        self.ok("C_Initialize", &[NULL]);
        let (mut slots, mut count) = ([0; 8], 8);
        self.ok("C_GetSlotList", &[number(1), array(&mut slots), pointer(&mut count)]);
        slots[0]
    }

    fn session(&self) -> ck::CK_SESSION_HANDLE {
        let mut session = 0;
        let flags = ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION;
        self.ok("C_OpenSession", &[number(self.slot()), number(flags), NULL, NULL, pointer(&mut session)]);
        session
    }

    fn login(&self) -> ck::CK_SESSION_HANDLE {
        let session = self.session();
        self.ok("C_Login", &[number(session), number(ck::CKU_USER), constant(PIN), number(4)]);
        session
    }

    fn ec_pair(&self, session: ck::CK_SESSION_HANDLE) -> (ck::CK_ULONG, ck::CK_ULONG) {
        let (mut curve, mut yes, mut id) = (P256, [1u8], *b"ec");
        let mut public = [
            attribute(ck::CKA_EC_PARAMS, &mut curve),
            attribute(ck::CKA_ID, &mut id),
            attribute(ck::CKA_VERIFY, &mut yes),
        ];
        let (mut sign, mut derive, mut id) = ([1u8], [1u8], *b"ec");
        let mut private = [
            attribute(ck::CKA_ID, &mut id),
            attribute(ck::CKA_SIGN, &mut sign),
            attribute(ck::CKA_DERIVE, &mut derive),
        ];
        self.pair(session, ck::CKM_EC_KEY_PAIR_GEN, &mut public, &mut private)
    }

    fn rsa_pair(&self, session: ck::CK_SESSION_HANDLE) -> (ck::CK_ULONG, ck::CK_ULONG) {
        let (mut bits, mut exponent, mut yes) = ([2048 as ck::CK_ULONG], [1u8, 0, 1], [1u8]);
        let mut public = [
            attribute(ck::CKA_MODULUS_BITS, &mut bits),
            attribute(ck::CKA_PUBLIC_EXPONENT, &mut exponent),
            attribute(ck::CKA_VERIFY, &mut yes),
        ];
        let mut yes = [1u8];
        let mut private = [attribute(ck::CKA_SIGN, &mut yes)];
        self.pair(session, ck::CKM_RSA_PKCS_KEY_PAIR_GEN, &mut public, &mut private)
    }

    fn aes_key(&self, session: ck::CK_SESSION_HANDLE, more: &mut [ck::CK_ATTRIBUTE]) -> ck::CK_ULONG {
        let (mut size, mut encrypt, mut decrypt) = ([32 as ck::CK_ULONG], [1u8], [1u8]);
        let mut template = vec![
            attribute(ck::CKA_VALUE_LEN, &mut size),
            attribute(ck::CKA_ENCRYPT, &mut encrypt),
            attribute(ck::CKA_DECRYPT, &mut decrypt),
        ];
        template.extend_from_slice(more);
        let (mut generate, mut key, count) = (mechanism(ck::CKM_AES_KEY_GEN), 0, template.len());
        let arguments = [
            number(session),
            pointer(&mut generate),
            array(&mut template),
            number(count as ck::CK_ULONG),
            pointer(&mut key),
        ];
        self.ok("C_GenerateKey", &arguments);
        key
    }

    fn pair(
        &self,
        session: ck::CK_SESSION_HANDLE,
        kind: ck::CK_MECHANISM_TYPE,
        public: &mut [ck::CK_ATTRIBUTE],
        private: &mut [ck::CK_ATTRIBUTE],
    ) -> (ck::CK_ULONG, ck::CK_ULONG) {
        let (mut public_key, mut private_key) = (0, 0);
        let mut generate = mechanism(kind);
        let (public_count, private_count) = (public.len() as ck::CK_ULONG, private.len() as ck::CK_ULONG);
        let arguments = [
            number(session),
            pointer(&mut generate),
            array(public),
            number(public_count),
            array(private),
            number(private_count),
            pointer(&mut public_key),
            pointer(&mut private_key),
        ];
        self.ok("C_GenerateKeyPair", &arguments);
        (public_key, private_key)
    }

    /// Signs and verifies, and finds a changed signature wrong.
    fn sign_and_verify(
        &self,
        session: ck::CK_SESSION_HANDLE,
        mechanism: &mut ck::CK_MECHANISM,
        keys: (ck::CK_ULONG, ck::CK_ULONG),
        expected: usize,
    ) {
        let data = [7u8; 32];
        self.ok("C_SignInit", &[number(session), pointer(mechanism), number(keys.1)]);
        let sign = |signature: Argument, mut size: ck::CK_ULONG| {
            let given = [number(session), constant(&data), number(32), signature, pointer(&mut size)];
            (self.call("C_Sign", &given), length(size))
        };
        let mut signature = [0u8; 512];
        assert_eq!(sign(NULL, 0), (ck::CKR_OK, expected));
        assert_eq!(sign(array(&mut signature), 1), (ck::CKR_BUFFER_TOO_SMALL, expected));
        assert_eq!(sign(array(&mut signature), 0), (ck::CKR_BUFFER_TOO_SMALL, expected));
        // As callers do who mean "all of it".
        assert_eq!(sign(array(&mut signature), ck::CK_ULONG::MAX / 2), (ck::CKR_OK, expected));

        let mut verify = |signature: &[u8]| {
            self.ok("C_VerifyInit", &[number(session), pointer(mechanism), number(keys.0)]);
            let size = signature.len() as ck::CK_ULONG;
            let given = [number(session), constant(&data), number(32), constant(signature), number(size)];
            self.call("C_Verify", &given)
        };
        assert_eq!(verify(&signature[..expected]), ck::CKR_OK);
        signature[5] ^= 1;
        assert_eq!(verify(&signature[..expected]), ck::CKR_SIGNATURE_INVALID);
    }
}

#[test]
fn slots_and_information() {
    let Some(rig) = rig() else { return };
    rig.ok("C_Initialize", &[NULL]);
    assert_eq!(rig.call("C_Initialize", &[NULL]), ck::CKR_CRYPTOKI_ALREADY_INITIALIZED);

    // SAFETY: the structures of the C API hold numbers and bytes, for which zeros are values.
    let (mut info, mut slot_info, mut token, mut session_info, mut mechanism_info) = unsafe {
        (
            std::mem::zeroed::<ck::CK_INFO>(),
            std::mem::zeroed::<ck::CK_SLOT_INFO>(),
            std::mem::zeroed::<ck::CK_TOKEN_INFO>(),
            std::mem::zeroed::<ck::CK_SESSION_INFO>(),
            std::mem::zeroed::<ck::CK_MECHANISM_INFO>(),
        )
    };
    rig.ok("C_GetInfo", &[pointer(&mut info)]);
    assert_eq!(info.cryptokiVersion.major, 2);
    assert!(info.manufacturerID.starts_with(b"SoftHSM"));

    let mut count = 0;
    rig.ok("C_GetSlotList", &[number(1), NULL, pointer(&mut count)]);
    assert!(count >= 1);
    let mut slots = [0; 8];
    count = 0;
    let short = rig.call("C_GetSlotList", &[number(1), array(&mut slots), pointer(&mut count)]);
    assert_eq!(short, ck::CKR_BUFFER_TOO_SMALL);
    rig.ok("C_GetSlotList", &[number(1), array(&mut slots), pointer(&mut count)]);
    let slot = slots[0];

    rig.ok("C_GetSlotInfo", &[number(slot), pointer(&mut slot_info)]);
    assert_ne!(slot_info.flags & ck::CKF_TOKEN_PRESENT, 0);
    rig.ok("C_GetTokenInfo", &[number(slot), pointer(&mut token)]);
    assert!(token.label.starts_with(b"far "));
    assert_ne!(token.flags & ck::CKF_TOKEN_INITIALIZED, 0);
    assert_eq!(rig.call("C_GetTokenInfo", &[number(slot), NULL]), ck::CKR_ARGUMENTS_BAD);
    assert_eq!(rig.call("C_GetTokenInfo", &[number(12345), pointer(&mut token)]), ck::CKR_SLOT_ID_INVALID);

    let mut mechanisms = [0; 256];
    count = 256;
    rig.ok("C_GetMechanismList", &[number(slot), array(&mut mechanisms), pointer(&mut count)]);
    assert!(mechanisms.contains(&ck::CKM_ECDSA) && mechanisms.contains(&ck::CKM_RSA_PKCS_PSS));
    rig.ok("C_GetMechanismInfo", &[number(slot), number(ck::CKM_ECDSA), pointer(&mut mechanism_info)]);
    assert_ne!(mechanism_info.flags & ck::CKF_SIGN, 0);

    let (mut session, flags) = (0, ck::CKF_SERIAL_SESSION);
    rig.ok("C_OpenSession", &[number(slot), number(flags), NULL, NULL, pointer(&mut session)]);
    rig.ok("C_GetSessionInfo", &[number(session), pointer(&mut session_info)]);
    assert_eq!((session_info.slotID, session_info.flags), (slot, flags));
    rig.ok("C_CloseSession", &[number(session)]);
    assert_eq!(rig.call("C_CloseSession", &[number(session)]), ck::CKR_SESSION_HANDLE_INVALID);
    rig.ok("C_Finalize", &[NULL]);
    assert_eq!(
        rig.call("C_GetSlotList", &[number(1), NULL, pointer(&mut count)]),
        ck::CKR_CRYPTOKI_NOT_INITIALIZED
    );
    rig.ok("C_Initialize", &[NULL]);
}

#[test]
fn login_and_a_wrong_pin() {
    let Some(rig) = rig() else { return };
    let session = rig.session();
    let user = number(ck::CKU_USER);
    let wrong = rig.call("C_Login", &[number(session), user, constant(b"9999"), number(4)]);
    assert_eq!(wrong, ck::CKR_PIN_INCORRECT);
    rig.ok("C_Login", &[number(session), user, constant(PIN), number(4)]);
    let again = rig.call("C_Login", &[number(session), user, constant(PIN), number(4)]);
    assert_eq!(again, ck::CKR_USER_ALREADY_LOGGED_IN);
    rig.ok("C_SetPIN", &[number(session), constant(PIN), number(4), constant(b"abcdef"), number(6)]);
    rig.ok("C_Logout", &[number(session)]);
    rig.ok("C_Login", &[number(session), user, constant(b"abcdef"), number(6)]);
}

#[test]
fn a_token_is_initialised_with_its_label() {
    let Some(rig) = rig() else { return };
    let slot = rig.slot();
    let label = *b"a new label                     ";
    rig.ok("C_InitToken", &[number(slot), constant(b"5678"), number(4), constant(&label)]);
    // SAFETY: numbers and bytes, for which zeros are values.
    let mut token: ck::CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    rig.ok("C_GetTokenInfo", &[number(slot), pointer(&mut token)]);
    assert_eq!(token.label, label);
}

#[test]
fn ec_keys_sign_and_verify() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let keys = rig.ec_pair(session);
    rig.sign_and_verify(session, &mut mechanism(ck::CKM_ECDSA), keys, 64);
}

#[test]
fn rsa_keys_sign_and_verify_with_and_without_pss() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let keys = rig.rsa_pair(session);
    rig.sign_and_verify(session, &mut mechanism(ck::CKM_SHA256_RSA_PKCS), keys, 256);
    let mut pss = ck::CK_RSA_PKCS_PSS_PARAMS { hashAlg: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA256, sLen: 32 };
    let mut plain = mechanism_with(ck::CKM_RSA_PKCS_PSS, &mut pss);
    rig.sign_and_verify(session, &mut plain, keys, 256);
    let mut combined = mechanism_with(ck::CKM_SHA256_RSA_PKCS_PSS, &mut pss);
    rig.sign_and_verify(session, &mut combined, keys, 256);
    // A parameter of the wrong length is refused here; the helper would give up on it.
    let mut short = 1u32;
    let mut bad = mechanism_with(ck::CKM_RSA_PKCS_PSS, &mut short);
    let refused = rig.call("C_SignInit", &[number(session), pointer(&mut bad), number(keys.1)]);
    assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID);
    assert!(rig.remote.is_alive());
}

#[test]
fn attributes_are_asked_for_and_changed() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let (public, private) = rig.ec_pair(session);
    let get = |object: ck::CK_ULONG, template: &mut [ck::CK_ATTRIBUTE]| {
        let count = template.len() as ck::CK_ULONG;
        rig.call("C_GetAttributeValue", &[number(session), number(object), array(template), number(count)])
    };
    let mut sizes = [asked(ck::CKA_CLASS), asked(ck::CKA_EC_PARAMS), asked(ck::CKA_ID), asked(ck::CKA_TOKEN)];
    assert_eq!(get(public, &mut sizes), ck::CKR_OK);
    let class_size = size_of::<ck::CK_ULONG>() as ck::CK_ULONG;
    assert_eq!(sizes.map(|attribute| attribute.ulValueLen), [class_size, 10, 2, 1]);

    let (mut class, mut curve, mut id) = ([0 as ck::CK_ULONG], [0u8; 32], [0u8; 8]);
    let mut values = [
        attribute(ck::CKA_CLASS, &mut class),
        attribute(ck::CKA_EC_PARAMS, &mut curve),
        attribute(ck::CKA_ID, &mut id),
    ];
    assert_eq!(get(public, &mut values), ck::CKR_OK);
    assert_eq!(values.map(|attribute| attribute.ulValueLen), [class_size, 10, 2]);
    assert_eq!((class[0], &curve[..10], &id[..2]), (ck::CKO_PUBLIC_KEY, &P256[..], &b"ec"[..]));

    let (mut few, mut id) = ([0u8; 4], [0u8; 8]);
    let mut short = [attribute(ck::CKA_EC_PARAMS, &mut few), attribute(ck::CKA_ID, &mut id)];
    assert_eq!(get(public, &mut short), ck::CKR_BUFFER_TOO_SMALL);
    assert_eq!(few, [0; 4]);

    let (mut value, mut id) = ([0u8; 64], [0u8; 8]);
    let mut secret = [attribute(ck::CKA_VALUE, &mut value), attribute(ck::CKA_ID, &mut id)];
    assert_eq!(get(private, &mut secret), ck::CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(secret[0].ulValueLen, ck::CK_UNAVAILABLE_INFORMATION);
    assert_eq!((secret[1].ulValueLen, &id[..2]), (2, &b"ec"[..]));

    let mut label = *b"renamed";
    let mut change = [attribute(ck::CKA_LABEL, &mut label)];
    rig.ok("C_SetAttributeValue", &[number(session), number(public), array(&mut change), number(1)]);
    let mut search = [attribute(ck::CKA_LABEL, &mut label)];
    rig.ok("C_FindObjectsInit", &[number(session), array(&mut search), number(1)]);
    let (mut found, mut count) = ([0; 16], 0);
    let next = [number(session), array(&mut found), number(16), pointer(&mut count)];
    rig.ok("C_FindObjects", &next);
    assert_eq!((count, found[0]), (1, public));
    rig.ok("C_FindObjects", &next);
    assert_eq!(count, 0);
    rig.ok("C_FindObjectsFinal", &[number(session)]);
    rig.ok("C_DestroyObject", &[number(session), number(public)]);
    assert_eq!(get(public, &mut [asked(ck::CKA_CLASS)]), ck::CKR_OBJECT_HANDLE_INVALID);
}

#[test]
fn digests_random_numbers_and_large_data() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let mut sha256 = mechanism(ck::CKM_SHA256);
    rig.ok("C_DigestInit", &[number(session), pointer(&mut sha256)]);
    let (mut digest, mut size) = ([0u8; 32], 32);
    rig.ok(
        "C_Digest",
        &[number(session), constant(b"abc"), number(3), array(&mut digest), pointer(&mut size)],
    );
    assert_eq!((size, &digest[..4]), (32, &[0xba, 0x78, 0x16, 0xbf][..]));

    // More than a socket holds, in both directions, and more output than is granted at first.
    let key = rig.aes_key(session, &mut []);
    let mut iv = [3u8; 16];
    let mut cbc = mechanism_with(ck::CKM_AES_CBC_PAD, &mut iv);
    rig.ok("C_EncryptInit", &[number(session), pointer(&mut cbc), number(key)]);
    let data = vec![5u8; 4 << 20];
    let mut out = vec![0u8; data.len() + 64];
    let mut size = out.len() as ck::CK_ULONG;
    let encrypt = [
        number(session),
        constant(&data),
        number(data.len() as ck::CK_ULONG),
        array(&mut out),
        pointer(&mut size),
    ];
    rig.ok("C_Encrypt", &encrypt);
    assert_eq!(length(size), data.len() + 16);

    let mut random = vec![0u8; 100_000];
    rig.ok("C_GenerateRandom", &[number(session), array(&mut random), number(100_000)]);
    assert!(random.chunks(1000).all(|part| part.iter().any(|byte| *byte != 0)));
    rig.ok("C_SeedRandom", &[number(session), constant(b"seed"), number(4)]);
}

#[test]
fn gcm_crosses_from_version_1_on() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let key = rig.aes_key(session, &mut []);
    let (mut iv, mut aad) = ([3u8; 12], *b"associated");
    let mut gcm = ck::CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 10,
        ulTagBits: 128,
    };
    let mut mechanism = mechanism_with(ck::CKM_AES_GCM, &mut gcm);
    let begun = rig.call("C_EncryptInit", &[number(session), pointer(&mut mechanism), number(key)]);
    if rig.remote.version == 0 {
        assert_eq!(begun, ck::CKR_MECHANISM_PARAM_INVALID);
        return;
    }
    assert_eq!(begun, ck::CKR_OK);
    let (mut sealed, mut size) = ([0u8; 64], 64);
    let encrypt = [number(session), constant(b"secret"), number(6), array(&mut sealed), pointer(&mut size)];
    rig.ok("C_Encrypt", &encrypt);
    assert_eq!(size, 22);
    rig.ok("C_DecryptInit", &[number(session), pointer(&mut mechanism), number(key)]);
    let (mut opened, mut size) = ([0u8; 64], 64);
    let decrypt = [number(session), constant(&sealed), number(22), array(&mut opened), pointer(&mut size)];
    rig.ok("C_Decrypt", &decrypt);
    assert_eq!(&opened[..length(size)], b"secret");
}

#[test]
fn a_template_as_a_value_crosses_from_version_1_on() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let (mut yes, mut label) = ([1u8], *b"inner");
    let mut inner = [attribute(ck::CKA_EXTRACTABLE, &mut yes), attribute(ck::CKA_LABEL, &mut label)];
    let mut outer = [attribute(ck::CKA_UNWRAP_TEMPLATE, &mut inner)];
    if rig.remote.version == 0 {
        let find = [number(session), array(&mut outer), number(1)];
        assert_eq!(rig.call("C_FindObjectsInit", &find), ck::CKR_ATTRIBUTE_TYPE_INVALID);
        let mut query = [asked(ck::CKA_UNWRAP_TEMPLATE)];
        let key = rig.aes_key(session, &mut []);
        let get = [number(session), number(key), array(&mut query), number(1)];
        assert_eq!(rig.call("C_GetAttributeValue", &get), ck::CKR_ATTRIBUTE_TYPE_INVALID);
        return;
    }
    let key = rig.aes_key(session, &mut outer);
    let mut query = [asked(ck::CKA_UNWRAP_TEMPLATE)];
    rig.ok("C_GetAttributeValue", &[number(session), number(key), array(&mut query), number(1)]);
    let size = 2 * size_of::<ck::CK_ATTRIBUTE>();
    assert_eq!(length(query[0].ulValueLen), size);
    let (mut first, mut second) = ([0u8; 16], [0u8; 16]);
    // SoftHSM looks for these types; the specification has them written by the token.
    let mut values = [attribute(ck::CKA_LABEL, &mut first), attribute(ck::CKA_EXTRACTABLE, &mut second)];
    let mut query = [attribute(ck::CKA_UNWRAP_TEMPLATE, &mut values)];
    rig.ok("C_GetAttributeValue", &[number(session), number(key), array(&mut query), number(1)]);
    let kinds = values.map(|attribute| (attribute.type_, attribute.ulValueLen));
    assert_eq!(kinds, [(ck::CKA_LABEL, 5), (ck::CKA_EXTRACTABLE, 1)]);
    assert_eq!((&first[..5], second[0]), (&b"inner"[..], 1));
}

#[test]
fn ecdh_crosses_from_version_1_on() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let (public, private) = rig.ec_pair(session);
    let mut point = [0u8; 80];
    let mut query = [attribute(ck::CKA_EC_POINT, &mut point)];
    rig.ok("C_GetAttributeValue", &[number(session), number(public), array(&mut query), number(1)]);
    let mut parameter = ck::CK_ECDH1_DERIVE_PARAMS {
        kdf: ck::CKD_NULL,
        ulSharedDataLen: 0,
        pSharedData: std::ptr::null_mut(),
        ulPublicDataLen: query[0].ulValueLen,
        pPublicData: point.as_mut_ptr(),
    };
    let mut mechanism = mechanism_with(ck::CKM_ECDH1_DERIVE, &mut parameter);
    let (mut class, mut kind, mut size) =
        ([ck::CKO_SECRET_KEY], [ck::CKK_GENERIC_SECRET], [32 as ck::CK_ULONG]);
    let mut template = [
        attribute(ck::CKA_CLASS, &mut class),
        attribute(ck::CKA_KEY_TYPE, &mut kind),
        attribute(ck::CKA_VALUE_LEN, &mut size),
    ];
    let mut derived = 0;
    let derive = [
        number(session),
        pointer(&mut mechanism),
        number(private),
        array(&mut template),
        number(3),
        pointer(&mut derived),
    ];
    let expected = if rig.remote.version == 0 { ck::CKR_MECHANISM_PARAM_INVALID } else { ck::CKR_OK };
    assert_eq!(rig.call("C_DeriveKey", &derive), expected);
}

#[test]
fn a_helper_that_is_killed_in_mid_session_is_a_removed_device() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    let pid = rig.remote.pid().unwrap();
    // SAFETY: the process is this test's child, which is reaped by nobody but its `Remote`.
    unsafe { libc::kill(libc::pid_t::try_from(pid).unwrap(), libc::SIGKILL) };
    let gone = rig.call("C_Logout", &[number(session)]);
    assert!([ck::CKR_DEVICE_ERROR, ck::CKR_DEVICE_REMOVED].contains(&gone), "{gone:#x}");
    assert!(!rig.remote.is_alive());
    assert_eq!(rig.call("C_Logout", &[number(session)]), ck::CKR_DEVICE_REMOVED);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "reaped");
}

#[test]
fn a_library_that_is_not_there_is_an_error() {
    let Some(_rig) = rig() else { return };
    let error = Remote::start(Path::new("/nonexistent/library.so"), Duration::from_secs(60)).err().unwrap();
    assert!(error.contains("ended"), "{error}");
}

#[test]
fn threads_share_the_wire() {
    let Some(rig) = rig() else { return };
    let session = rig.login();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut random = [0u8; 64];
                for _ in 0..50 {
                    rig.ok("C_GenerateRandom", &[number(session), array(&mut random), number(64)]);
                }
            });
        }
    });
    assert!(rig.remote.is_alive());
}
