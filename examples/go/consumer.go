// A Go program on a PKCS#11 token, by crypto11 (and miekg/pkcs11 below it): signatures, decryption, AES-GCM, HMAC, random
// numbers, many goroutines. What the token makes is judged by Go's own crypto, which knows nothing of it.
//
// usage: consumer MODULE TOKEN, the PIN in the environment variable PIN
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/ThalesIgnite/crypto11"
	"github.com/miekg/pkcs11"
)

var passed, failed int

func check(name string, err error) {
	if err == nil {
		passed++
		fmt.Println("ok  ", name)
		return
	}
	failed++
	fmt.Println("FAIL", name)
	fmt.Println("    ", err)
}

// want turns a verdict into an error.
func want(good bool, what string) error {
	if good {
		return nil
	}
	return fmt.Errorf("%s", what)
}

func main() {
	context, err := crypto11.Configure(&crypto11.Config{Path: os.Args[1], TokenLabel: os.Args[2], Pin: os.Getenv("PIN")})
	check("open the token and log in", err)
	if err == nil {
		ecdsaKeys(context)
		rsaKeys(context)
		secretKeys(context)
		randomNumbers(context)
		check("close", context.Close())
	}
	_, err = crypto11.Configure(&crypto11.Config{Path: os.Args[1], TokenLabel: os.Args[2], Pin: "999999"})
	check("a wrong PIN is refused", want(err != nil, "it was taken"))
	fmt.Printf("%d passed, %d failed, 0 skipped\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func ecdsaKeys(context *crypto11.Context) {
	digest := sha256.Sum256([]byte("message"))
	for number, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		name := curve.Params().Name
		key, err := context.GenerateECDSAKeyPairWithLabel([]byte{1, byte(number)}, []byte(name), curve)
		check(name+": generate", err)
		if err != nil {
			continue
		}
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		check(name+": sign", err)
		public := key.Public().(*ecdsa.PublicKey)
		check(name+": Go verifies", want(ecdsa.VerifyASN1(public, digest[:], signature), "wrong signature"))
		byID, err := context.FindKeyPair([]byte{1, byte(number)}, nil)
		check(name+": find by CKA_ID", found(byID, err, public))
		byLabel, err := context.FindKeyPair(nil, []byte(name))
		check(name+": find by CKA_LABEL", found(byLabel, err, public))
	}
	key, err := context.FindKeyPair([]byte{1, 0}, nil)
	if err != nil || key == nil {
		check("many goroutines sign with one key", fmt.Errorf("no key: %v", err))
		return
	}
	check("many goroutines sign with one key", together(32, func() error {
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return err
		}
		return want(ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), digest[:], signature), "wrong signature")
	}))
	check("delete a pair", key.Delete())
	gone, err := context.FindKeyPair([]byte{1, 0}, nil)
	check("and it is gone", want(err == nil && gone == nil, "still there"))
}

func found(key crypto11.Signer, err error, public *ecdsa.PublicKey) error {
	if err != nil {
		return err
	}
	return want(key != nil && public.Equal(key.Public()), "another key, or none")
}

// together runs work in many goroutines at once; the first error of any.
func together(count int, work func() error) error {
	var group sync.WaitGroup
	errors := make(chan error, count)
	for i := 0; i < count; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := work(); err != nil {
				errors <- err
			}
		}()
	}
	group.Wait()
	close(errors)
	return <-errors
}

func rsaKeys(context *crypto11.Context) {
	key, err := context.GenerateRSAKeyPairWithLabel([]byte{2}, []byte("rsa"), 2048)
	check("RSA: generate", err)
	if err != nil {
		return
	}
	public, digest := key.Public().(*rsa.PublicKey), sha256.Sum256([]byte("message"))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	check("RSA PKCS #1 v1.5: sign", err)
	check("RSA PKCS #1 v1.5: Go verifies", rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature))
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	signature, err = key.Sign(rand.Reader, digest[:], pss)
	check("RSA PSS: sign", err)
	check("RSA PSS: Go verifies", rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, pss))
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, []byte("secret"), nil)
	check("RSA OAEP: Go encrypts", err)
	plain, err := key.Decrypt(rand.Reader, sealed, &rsa.OAEPOptions{Hash: crypto.SHA256})
	check("RSA OAEP: decrypt", err)
	check("RSA OAEP: the same text", want(string(plain) == "secret", "another text"))
}

func secretKeys(context *crypto11.Context) {
	aes, err := context.GenerateSecretKeyWithLabel([]byte{3}, []byte("aes"), 256, crypto11.CipherAES)
	check("AES: generate", err)
	if err == nil {
		gcm, err := aes.NewGCM()
		check("AES-GCM: open", err)
		if err == nil {
			nonce, data := make([]byte, gcm.NonceSize()), []byte("associated")
			sealed := gcm.Seal(nil, nonce, []byte("secret"), data)
			plain, err := gcm.Open(nil, nonce, sealed, data)
			check("AES-GCM: decrypt", err)
			check("AES-GCM: the same text", want(string(plain) == "secret", "another text"))
			sealed[0] ^= 1
			_, err = gcm.Open(nil, nonce, sealed, data)
			check("AES-GCM: a changed text is refused", want(err != nil, "it was taken"))
		}
	}
	generic, err := context.GenerateSecretKeyWithAttributes(template(), 256, crypto11.CipherGeneric)
	check("HMAC: generate", err)
	if err != nil {
		return
	}
	mac, err := generic.NewHMAC(pkcs11.CKM_SHA256_HMAC, 0)
	check("HMAC: open", err)
	if err != nil {
		return
	}
	io.WriteString(mac, "message")
	value, err := context.GetAttribute(generic, crypto11.CkaValue)
	check("HMAC: read the extractable key", err)
	if err == nil {
		own := hmac.New(sha256.New, value.Value)
		io.WriteString(own, "message")
		check("HMAC: the same as Go's", want(hmac.Equal(own.Sum(nil), mac.Sum(nil)), "another code"))
	}
}

// template: a key that may be read, so that Go can judge what the token makes of it.
func template() crypto11.AttributeSet {
	set := crypto11.NewAttributeSet()
	set.Set(crypto11.CkaId, []byte{4})
	set.Set(crypto11.CkaLabel, []byte("hmac"))
	set.Set(crypto11.CkaSensitive, false)
	set.Set(crypto11.CkaExtractable, true)
	return set
}

func randomNumbers(context *crypto11.Context) {
	reader, err := context.NewRandomReader()
	check("random: open", err)
	one, two := make([]byte, 64), make([]byte, 64)
	if err == nil {
		_, err = io.ReadFull(reader, one)
		io.ReadFull(reader, two)
	}
	check("random: read", err)
	check("random: differs", want(string(one) != string(two), "the same twice"))
}
