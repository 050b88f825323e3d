#!/bin/sh
# Knot DNS (CZ-NIC/knot): what its key store test does with SoftHSM 2 (tests/libdnssec/test_keystore_pkcs11.c), on keyward.
#
# Changed: the two variables that the test reads from the environment, and nothing else. Its steps are written anew; the
# test program itself needs Knot's build tree, so GnuTLS's p11tool, whose library it uses, stands for it.
set -eu
export KNOT_SOFTHSM2_DSO=$(pkg-config --variable=p11_module keyward)     # was found as libsofthsm2.so
export KNOT_SOFTHSM2_UTIL=$(pkg-config --variable=softhsm2_util keyward) # was softhsm2-util in PATH
export GNUTLS_PIN=1234

# The line that neither SoftHSM nor keyward knows is the test's own.
mkdir store
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.debug = INFO\n' "$PWD/store" >store/softhsm2.conf
export SOFTHSM2_CONF=$PWD/store/softhsm2.conf
"$KNOT_SOFTHSM2_UTIL" --init-token --slot=0 --label=libdnssec-test --pin=$GNUTLS_PIN --so-pin=123456

# Each algorithm with a key made in the token and with one that is imported: sign, verify with the public key alone.
tool() { p11tool --provider "$KNOT_SOFTHSM2_DSO" --batch --login "$@"; }
url=pkcs11:token=libdnssec-test
signs() { # LABEL
  tool --test-sign "$url;object=$1;type=private"
  tool --export-pubkey --outfile "$1.pub" "$url;object=$1;type=private"
  openssl pkey -pubin -in "$1.pub" -pubout -out "$1.out"
}
tool --generate-privkey rsa --bits 2048 --label rsa --outfile generated $url
signs rsa
tool --generate-privkey ecdsa --curve secp256r1 --label ecdsa --outfile generated $url
signs ecdsa
for algorithm in RSA:rsa_keygen_bits:2048 EC:ec_paramgen_curve:P-256; do
  label=${algorithm%%:*}-imported
  openssl genpkey -algorithm "${algorithm%%:*}" -pkeyopt "${algorithm#*:}" -out "$label.pem"
  openssl pkey -in "$label.pem" -pubout -out "$label.pub.pem"
  tool --write --load-privkey "$label.pem" --label "$label" --id 0b $url
  tool --write --load-pubkey "$label.pub.pem" --label "$label" --id 0b $url
  signs "$label"
  cmp "$label.pub.pem" "$label.out"
  tool --delete "$url;object=$label"
done
