//! Ed25519 and X25519.

use super::*;
use crate::crypto::random;
use crate::crypto::tests::hex;

/// The points of small order in every encoding, canonical or not, and other y from the prime on (RFC 8032's ZIP 215
/// discussion names them), beside ordinary points.
fn encodings() -> Vec<[u8; 32]> {
    let y_of_order_8 = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let mut all: Vec<[u8; 32]> = y_of_order_8.iter().map(|y| hex(y).try_into().unwrap()).collect();
    // 0, 1, 2, 3, p - 1, p, p + 1 ... 2^255 - 1.
    for low in 0..4 {
        let mut y = [0; 32];
        y[0] = low;
        all.push(y);
    }
    for low in 0xec..=0xff {
        let mut y = [0xff; 32];
        (y[0], y[31]) = (low, 0x7f);
        all.push(y);
    }
    let signed = all.iter().map(|y| {
        let mut y = *y;
        y[31] |= 0x80;
        y
    });
    let signed: Vec<_> = signed.collect();
    all.extend(signed);
    all.push(*aws::Ed25519Private::from_seed(&[7; 32]).unwrap().public().bytes());
    all
}

/// The order of the base, 0, 1, and others, little-endian.
fn scalars() -> Vec<[u8; 32]> {
    let order: [u8; 32] =
        hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").try_into().unwrap();
    let [mut less, mut more, mut one] = [order, order, [0; 32]];
    (less[0], more[0], one[0]) = (0xec, 0xee, 1);
    vec![[0; 32], one, less, order, more, [0xff; 32], [0x11; 32]]
}

#[test]
fn ed25519_signatures() {
    macro_rules! check {
        ($own:ident, $other:ident) => {
            let key = $own::Ed25519Private::generate().unwrap();
            let same = $other::Ed25519Private::from_seed(&key.seed()).unwrap();
            assert_eq!((same.seed(), same.public().bytes()), (key.seed(), key.public().bytes()));
            let digest = [9; 64];
            for context in [&b""[..], b"a", &[3; 255], &[3; 256]] {
                for message in [&b""[..], b"message", &[1; 300]] {
                    let signature = key.sign(message).unwrap();
                    assert_eq!(signature, same.sign(message).unwrap());
                    same.public().verify(message, &signature).unwrap();
                    let made = key.sign_ctx(message, context);
                    assert_eq!(made, same.sign_ctx(message, context));
                    let signature = made.unwrap_or(signature);
                    let verdict = key.public().verify_ctx(message, context, &signature);
                    assert_eq!(verdict, same.public().verify_ctx(message, context, &signature));
                    assert_eq!(verdict.is_ok(), (1..=255).contains(&context.len()));
                }
                let made = key.sign_ph(&digest, context);
                assert_eq!(made, same.sign_ph(&digest, context));
                let Ok(signature) = made else { continue };
                same.public().verify_ph(&digest, context, &signature).unwrap();
                for at in [0, 31, 32, 63] {
                    let changed = turned(&signature, at, 0x80);
                    assert_eq!(same.public().verify_ph(&digest, context, &changed), Err(Error::Signature));
                    assert_eq!(key.public().verify_ph(&digest, context, &changed), Err(Error::Signature));
                }
            }
            assert_eq!(key.sign_ph(b"short", b""), same.sign_ph(b"short", b""));
        };
    }
    both_ways!(check);
}

#[test]
fn ed25519_verifies_as_strictly() {
    let (mut accepted, mut refused) = (0, 0);
    let good = aws::Ed25519Private::from_seed(&[7; 32]).unwrap().sign(b"message").unwrap();
    let mut points = encodings();
    points.push(*good.first_chunk().unwrap());
    let mut scalars = scalars();
    scalars.push(good[32..].try_into().unwrap());
    for public in encodings() {
        let (ours, theirs) =
            (aws::Ed25519Public::new(&public).unwrap(), rust::Ed25519Public::new(&public).unwrap());
        for point in &points {
            for scalar in &scalars {
                let signature = [&point[..], scalar].concat();
                let what = format!("{public:02x?} {signature:02x?}");
                for message in [&b"message"[..], b"other"] {
                    let (a, b) = (ours.verify(message, &signature), theirs.verify(message, &signature));
                    match alike_checks(&what, a, b) {
                        true => accepted += 1,
                        false => refused += 1,
                    }
                }
                let (a, b) =
                    (ours.verify_ctx(b"m", b"c", &signature), theirs.verify_ctx(b"m", b"c", &signature));
                alike_checks(&what, a, b);
                let (a, b) =
                    (ours.verify_ph(&[1; 64], b"", &signature), theirs.verify_ph(&[1; 64], b"", &signature));
                alike_checks(&what, a, b);
            }
        }
    }
    assert!(accepted > 0 && refused > 1000, "{accepted} {refused}");
}

#[test]
fn x25519_secrets() {
    macro_rules! check {
        ($own:ident, $other:ident) => {
            let key = $own::X25519Private::generate().unwrap();
            let same = $other::X25519Private::from_bytes(&key.bytes()).unwrap();
            assert_eq!((same.bytes(), same.public().bytes()), (key.bytes(), key.public().bytes()));
            let mut peers = encodings();
            peers.extend((0..32).map(|_| {
                let mut peer = [0; 32];
                random(&mut peer).unwrap();
                peer
            }));
            let mut refused = 0;
            for peer in peers {
                let what = format!("{peer:02x?}");
                refused += usize::from(key.agree(&peer).is_err());
                alike(&what, key.agree(&peer), same.agree(&peer));
            }
            assert!(refused > 3);
            alike("length", key.agree(&[9; 31]), same.agree(&[9; 31]));
        };
    }
    both_ways!(check);
    for key in [[0; 32], [0xff; 32]] {
        let (ours, theirs) =
            (aws::X25519Private::from_bytes(&key).unwrap(), rust::X25519Private::from_bytes(&key).unwrap());
        alike("clamped", Ok(*ours.public().bytes()), Ok(*theirs.public().bytes()));
    }
    alike_checks(
        "length",
        aws::X25519Private::from_bytes(&[1; 31]),
        rust::X25519Private::from_bytes(&[1; 31]),
    );
    alike_checks(
        "length",
        aws::Ed25519Private::from_seed(&[1; 33]),
        rust::Ed25519Private::from_seed(&[1; 33]),
    );
}
