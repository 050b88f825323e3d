#!/usr/bin/env bash
# pkcs11-provider (latchset/pkcs11-provider): the token that its tests prepare with SoftHSM 2 (tests/softhsm-init.sh,
# tests/setup.sh), on keyward.
#
# Changed: the two lines marked "was". Written anew and shortened. The provider itself is not driven, since it is not in
# Debian 12: p11tool and openssl use what was prepared. The Ed25519 certificate, which GnuTLS before 3.8 cannot make on
# a module that shows the point as the specification has it, is left out.
set -euo pipefail
P11LIB=$(pkg-config --variable=p11_module keyward)  # was one of nine paths of libsofthsm2.so
UTIL=$(pkg-config --variable=softhsm2_util keyward) # was softhsm2-util
export GNUTLS_PIN=12345678
token='SoftHSM Token'
uri='pkcs11:token=SoftHSM%20Token'

# SoftHSM's list of mechanisms that are switched off is honoured as well.
mkdir tokens
cat >softhsm.conf <<END
directories.tokendir = $PWD/tokens
objectstore.backend = file
log.level = DEBUG
slots.mechanisms = -CKM_ECDSA_SHA1,CKM_ECDSA_SHA224,CKM_ECDSA_SHA256,CKM_ECDSA_SHA384,CKM_ECDSA_SHA512
END
export SOFTHSM2_CONF=$PWD/softhsm.conf
"$UTIL" --init-token --free --label "$token" --pin $GNUTLS_PIN --so-pin $GNUTLS_PIN
tool() { pkcs11-tool --module="$P11LIB" --login --pin=$GNUTLS_PIN --token-label="$token" "$@"; }

# A CA in the token, which signs certificates for the other keys; each certificate joins its key.
certificate() { # LABEL ID ACTION...
  certtool "${@:3}" --template template --provider "$P11LIB" --outder --outfile "$1.crt" \
    --load-privkey "$uri;object=$1;type=private" --load-pubkey "$uri;object=$1;type=public"
  tool --write-object "$1.crt" --type=cert --id "$2" --label "$1"
}
issued() { # LABEL ID [OPTION...]
  certificate "$1" "$2" --generate-certificate --load-ca-certificate ca.crt --inder \
    --load-ca-privkey "$uri;object=ca;type=private" "${@:3}"
  openssl verify -CAfile <(openssl x509 -inform DER -in ca.crt) <(openssl x509 -inform DER -in "$1.crt")
}
printf 'cn = Issuer\nserial = 1\nexpiration_days = 365\nca\nsigning_key\ncert_signing_key\n' >template
tool --keypairgen --key-type=RSA:2048 --label=ca --id=0000
certificate ca 0000 --generate-self-signed
printf 'cn = Subject\nserial = 2\nexpiration_days = 365\nsigning_key\nencryption_key\n' >template
tool --keypairgen --key-type=RSA:2048 --label=rsa --id=0001
issued rsa 0001
tool --keypairgen --key-type=EC:secp256r1 --label=ec --id=0002
issued ec 0002

# Private keys without their public keys; one that asks for the PIN at each use; one that is only for PSS.
tool --keypairgen --key-type=EC:secp384r1 --label=alone --id=0006
issued alone 0006
tool --delete-object --type pubkey --id 0006
tool --keypairgen --key-type=EC:secp521r1 --label=careful --id=0008 --always-auth
tool --keypairgen --key-type=RSA:2048 --label=pss --id=0010 \
  --allowed-mechanisms RSA-PKCS-PSS,SHA256-RSA-PKCS-PSS,SHA384-RSA-PKCS-PSS,SHA512-RSA-PKCS-PSS
issued pss 0010 --sign-params=RSA-PSS

# What was prepared is there and signs.
for label in ca rsa ec alone; do
  p11tool --provider "$P11LIB" --batch --login --test-sign "$uri;object=$label;type=private"
done
tool --list-objects
