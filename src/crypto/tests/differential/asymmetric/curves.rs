//! Short Weierstrass curves.

use super::*;
use crate::crypto::Curve;
use crate::crypto::tests::hex;

/// A curve's prime and its order.
fn numbers(curve: Curve) -> (Vec<u8>, Vec<u8>) {
    let [prime, order] = match curve {
        Curve::P256 => [
            "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        ],
        Curve::P384 => [
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        ],
        Curve::P521 => [
            "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
             ffffffffffffffffffffffffffffffffffff",
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709
             a5d03bb5c9b8899c47aebb6fb71e91386409",
        ],
        Curve::Secp256k1 => [
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        ],
        Curve::BrainpoolP256r1 => [
            "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
            "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
        ],
        Curve::BrainpoolP384r1 => [
            "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
            "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
        ],
        Curve::BrainpoolP512r1 => [
            "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e6
             2881ff2f2d82c68528aa6056583a48f3",
            "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac1047
             1db1d381085ddaddb58796829ca90069",
        ],
    };
    (hex(prime), hex(order))
}

fn minus_one(number: &[u8]) -> Vec<u8> {
    plus(number, &vec![0xff; number.len()])
}

#[test]
fn keys_and_secrets() {
    macro_rules! check {
        ($own:ident, $other:ident, $curve:expr) => {
            let curve: Curve = $curve;
            let (key, peer) =
                ($own::EcPrivate::generate(curve).unwrap(), $other::EcPrivate::generate(curve).unwrap());
            let same = $other::EcPrivate::from_scalar(curve, &key.scalar()).unwrap();
            assert_eq!((same.scalar(), same.public().point()), (key.scalar(), key.public().point()));
            let point = peer.public().point();
            let (x, sign) = (&point[1..=curve.field_len()], 2 | point.last().unwrap() & 1);
            assert_eq!(key.ecdh(&point).unwrap(), same.ecdh(&[&[sign], x].concat()).unwrap());
            assert_eq!(key.ecdh(&point).unwrap(), peer.ecdh(&key.public().point()).unwrap());
            let sum = key.plus(&peer.scalar()).unwrap();
            assert_eq!(sum.scalar(), peer.plus(&key.scalar()).unwrap().scalar());
        };
    }
    for curve in Curve::ALL {
        both_ways!(check, curve);
    }
}

#[test]
fn signatures() {
    macro_rules! check {
        ($own:ident, $other:ident, $curve:expr) => {
            let curve: Curve = $curve;
            let key = $own::EcPrivate::generate(curve).unwrap();
            let public = $other::EcPublic::from_point(curve, &key.public().point()).unwrap();
            for len in [0, 1, 20, 31, 32, 33, 47, 48, 49, 63, 64, 65, 66, 67, 200] {
                // The highest bits are ones, so that it shows which ones count.
                let digest: Vec<u8> = (0..len).map(|byte: u8| !byte).collect();
                let signature = written(2 * curve.order_len(), |out| key.sign(&digest, out)).unwrap();
                public.verify(&digest, &signature).unwrap();
                assert_eq!(public.verify(&[&[1], &digest[..]].concat(), &signature), Err(Error::Signature));
            }
            let digest = vec![0xc3; curve.order_len()];
            // On P-521 a digest of 66 bytes has seven bits more than the order, which recovery does not expect.
            if curve != Curve::P521 {
                let len = 2 * curve.order_len() + 1;
                let signature = written(len, |out| key.sign_recoverable(&digest, out)).unwrap();
                public.verify_recoverable(&digest, &signature).unwrap();
                key.public().verify_recoverable(&digest, &signature).unwrap();
                let other = turned(&signature, len - 1, 1);
                assert_eq!(public.verify_recoverable(&digest, &other), Err(Error::Signature));
            }
        };
    }
    for curve in Curve::ALL {
        both_ways!(check, curve);
    }
}

#[test]
fn hostile_signatures() {
    for curve in Curve::ALL {
        let (_, order) = numbers(curve);
        let digest = [0x5a; 32];
        let key = aws::EcPrivate::generate(curve).unwrap();
        let point = key.public().point();
        let other = rust::EcPublic::from_point(curve, &point).unwrap();
        let len = curve.order_len();
        let good = written(2 * len, |out| key.sign(&digest, out)).unwrap();
        let (r, s) = good.split_at(len);
        // n - s: -s is the complement of s - 1.
        let complement: Vec<u8> = minus_one(s).iter().map(|byte| !byte).collect();
        let high = plus(&order, &complement);
        let values = [
            vec![0; len],
            [&vec![0; len - 1][..], &[1]].concat(),
            minus_one(&order),
            order.clone(),
            plus(&order, &[1]),
            vec![0xff; len],
            r.to_vec(),
            s.to_vec(),
            high.clone(),
            plus(r, &order),
        ];
        for first in &values {
            for second in &values {
                let signature = [&first[..], second].concat();
                let what = format!("{} {signature:02x?}", curve.name());
                let accepted = alike_checks(
                    &what,
                    key.public().verify(&digest, &signature),
                    other.verify(&digest, &signature),
                );
                assert_eq!(accepted, first == r && (second == s || *second == high), "{what}");
            }
        }
        for signature in [&good[1..], &[], &[&good[..], &[0]].concat()] {
            let what = curve.name();
            alike_checks(what, key.public().verify(&digest, signature), other.verify(&digest, signature));
        }
    }
}

#[test]
fn hostile_points() {
    for curve in Curve::ALL {
        let (prime, _) = numbers(curve);
        let key = aws::EcPrivate::generate(curve).unwrap();
        let same = rust::EcPrivate::from_scalar(curve, &key.scalar()).unwrap();
        let len = curve.field_len();
        let point = aws::EcPrivate::generate(curve).unwrap().public().point();
        let (x, y) = point[1..].split_at(len);
        let parity = y.last().unwrap() & 1;
        let small = [&vec![0; len - 1][..], &[3]].concat();
        let mut points = vec![
            vec![],
            vec![0],
            vec![4],
            [&[2 | parity], x].concat(),
            [&[3 ^ parity], x].concat(),
            [&[6 | parity], x, y].concat(),
            [&[7 ^ parity], x, y].concat(),
            [&[5], x].concat(),
            [&[1], x, y].concat(),
            [&[4], x].concat(),
            [&[4], x, y, &[0]].concat(),
            point[..2 * len].to_vec(),
            [&[2], x, y].concat(),
            turned(&point, 1, 1),
            turned(&point, 2 * len, 1),
            vec![4; 1 + 2 * len],
            [&[4], y, x].concat(),
            [&[4], &vec![0; 2 * len][..]].concat(),
            [&[0], &vec![0; 2 * len][..]].concat(),
            vec![0; 1 + len],
            [&[4], &prime[..], y].concat(),
            [&[4], x, &prime].concat(),
            [&[2], &prime[..]].concat(),
            [&[4], &plus(x, &prime)[..], y].concat(),
            [&[4], x, &plus(y, &prime)].concat(),
            [&[2 | parity], &plus(x, &prime)[..]].concat(),
            [&[2], &plus(&prime, &small)[..]].concat(),
            [&[2], &vec![0xff; len][..]].concat(),
        ];
        // Half of these are no x of any point.
        points.extend(
            (0..16).flat_map(|byte| [2, 3].map(|sign| [&[sign][..], &vec![0; len - 1], &[byte]].concat())),
        );
        for point in points {
            let what = format!("{} {point:02x?}", curve.name());
            let [ours, theirs] = [
                aws::EcPublic::from_point(curve, &point).map(|key| key.point()),
                rust::EcPublic::from_point(curve, &point).map(|key| key.point()),
            ];
            alike(&what, ours, theirs);
            alike(&what, key.ecdh(&point), same.ecdh(&point));
        }
    }
}

#[test]
fn hostile_scalars() {
    for curve in Curve::ALL {
        let (_, order) = numbers(curve);
        let long = [&vec![0; 40][..], &minus_one(&order)].concat();
        let scalars = [
            vec![],
            vec![0],
            vec![1],
            minus_one(&order),
            order.clone(),
            plus(&order, &[1]),
            vec![0xff; curve.order_len()],
            vec![1; curve.order_len() + 1],
            vec![0; curve.order_len()],
            long,
        ];
        let key = aws::EcPrivate::from_scalar(curve, &[7]).unwrap();
        let same = rust::EcPrivate::from_scalar(curve, &[7]).unwrap();
        for scalar in scalars {
            let what = format!("{} {scalar:02x?}", curve.name());
            let ours = aws::EcPrivate::from_scalar(curve, &scalar).map(|key| key.public().point());
            let theirs = rust::EcPrivate::from_scalar(curve, &scalar).map(|key| key.public().point());
            alike(&what, ours, theirs);
            alike(
                &what,
                key.plus(&scalar).map(|key| key.scalar()),
                same.plus(&scalar).map(|key| key.scalar()),
            );
        }
        // The sum is 0.
        let rest = plus(&order, &[&vec![0xff; curve.order_len() - 1][..], &[0xf9]].concat());
        alike_checks(curve.name(), key.plus(&rest), same.plus(&rest));
        assert!(same.plus(&rest).is_err());
    }
}
