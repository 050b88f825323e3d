#!/usr/bin/env bash
# OpenSC (OpenSC/OpenSC): what its pkcs11-tool tests do with SoftHSM 2 (tests/init-softhsm.sh, common.sh,
# test-pkcs11-tool-sign-verify.sh), on keyward.
#
# Changed: the two lines marked "was". Written anew and shortened; the installed pkcs11-tool stands for the one in
# OpenSC's build tree, and p11tool reads the public keys: pkcs11-tool 0.23, Debian 12's, looks at freed memory when it
# reads an EC key, and then fails or not.
set -euo pipefail
P11LIB=$(pkg-config --variable=p11_module keyward) # was the first libsofthsm2.so found
UTIL=$(pkg-config --variable=softhsm2_util keyward) # was softhsm2-util
PIN=123456abcdef
SOPIN=12345678abcdefgh

# One token, made anew for each test.
mkdir .tokens
echo "directories.tokendir = $PWD/.tokens" >.softhsm2.conf
export SOFTHSM2_CONF=$PWD/.softhsm2.conf
"$UTIL" --init-token --slot 0 --label 'SC test' --so-pin="$SOPIN" --pin="$PIN"

public() { pkcs11-tool --module="$P11LIB" "$@"; }
private() { public --login --pin="$PIN" "$@"; }
id=0
for type in RSA:2048 RSA:4096 EC:secp256r1 EC:secp521r1; do
  id=$((id + 1))
  private --keypairgen --key-type=$type --label="$type" --id=0$id
  p11tool --provider "$P11LIB" --batch --export --outfile 0$id.pub "pkcs11:token=SC%20test;id=%0$id;type=public"
done
private --keygen --key-type=GENERIC:64 --label=HMAC-SHA256 --id=05 --usage-sign

# RSA, PKCS#1 v1.5 and PSS: the token signs; OpenSSL and the token verify.
head -c 1024 /dev/urandom >data
for id in 01 02; do
  for hash in SHA1 SHA224 SHA256 SHA384 SHA512; do
    private --sign --id $id -m $hash-RSA-PKCS --input-file data --output-file data.sig
    openssl dgst -${hash,,} -verify $id.pub -signature data.sig data
    public --verify --id $id -m $hash-RSA-PKCS --input-file data --signature-file data.sig
    private --sign --id $id -m $hash-RSA-PKCS-PSS --salt-len=-1 --input-file data --output-file data.sig
    openssl dgst -${hash,,} -verify $id.pub -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1 -signature data.sig data
  done
  head -c 64 data >short
  openssl pkeyutl -encrypt -pubin -inkey $id.pub -in short -out short.crypt
  private --decrypt --id $id -m RSA-PKCS --input-file short.crypt --output-file short.decrypted
  cmp short short.decrypted
done

# ECDSA over a hash made outside, in both formats of a signature.
openssl dgst -binary -sha256 -out data.hash data
for id in 03 04; do
  private --sign --id $id -m ECDSA --signature-format openssl --input-file data.hash --output-file data.sig
  openssl dgst -sha256 -verify $id.pub -signature data.sig data
  private --sign --id $id -m ECDSA --input-file data.hash --output-file data.sig
  public --verify --id $id -m ECDSA --input-file data.hash --signature-file data.sig
done

for hash in SHA-1 SHA256 SHA384 SHA512; do
  private --sign --id 05 -m $hash-HMAC --input-file data --output-file data.mac
  private --verify --id 05 -m $hash-HMAC --input-file data --signature-file data.mac
done
