#!/bin/sh
# p11-kit (p11-glue/p11-kit): its tests against SoftHSM 2 (p11-kit/test-softhsm2.sh), on keyward.
#
# Changed: the two lines marked "was". Written anew; `p11-kit generate-keypair`, `import-object` and `export-object` came
# with p11-kit 0.25, so GnuTLS's p11tool, which goes through p11-kit's library, does the same here.
set -eu
MODULE=$(pkg-config --variable=p11_module keyward)            # was the machine's softhsm2.module
SOFTHSM2_UTIL=$(pkg-config --variable=softhsm2_util keyward) # was softhsm2-util
export GNUTLS_PIN=12345 GNUTLS_SO_PIN=12345

mkdir tokens
echo "directories.tokendir = $PWD/tokens/" >softhsm2.conf
export SOFTHSM2_CONF=$PWD/softhsm2.conf
"$SOFTHSM2_UTIL" --version
"$SOFTHSM2_UTIL" --init-token --free --label test-genkey --so-pin 12345 --pin 12345
"$SOFTHSM2_UTIL" --init-token --free --label test-import --so-pin 12345 --pin 12345
tool() { p11tool --provider "$MODULE" --batch --login "$@"; }

# Key pairs; a curve that does not exist is refused.
tool --generate-privkey rsa --bits 2048 --label rsa --outfile generated pkcs11:token=test-genkey
for curve in secp256r1 secp384r1 secp521r1; do
  tool --generate-privkey ecdsa --curve $curve --label ecdsa-$curve --outfile generated pkcs11:token=test-genkey
done
if tool --generate-privkey ecdsa --curve unknown --label unknown --outfile generated pkcs11:token=test-genkey; then exit 1; fi

# What goes in comes out unchanged.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -subj /CN=test -days 2 -out cert
tool --write --load-certificate cert --label cert pkcs11:token=test-import
tool --export --outfile exported 'pkcs11:token=test-import;object=cert;type=cert'
openssl x509 -in exported -out out
cmp cert out
for algorithm in RSA EC; do
  openssl genpkey -algorithm $algorithm $([ $algorithm = RSA ] || echo -pkeyopt ec_paramgen_curve:P-256) -out key
  openssl pkey -in key -pubout -out public
  tool --write --load-pubkey public --label $algorithm pkcs11:token=test-import
  tool --export --outfile exported "pkcs11:token=test-import;object=$algorithm;type=public"
  openssl pkey -pubin -in exported -pubout -out out
  cmp public out
done
