// A Java program that works with the keys of a PKCS#11 token: sign, verify, encrypt, and generate.
//
//   CONSUMER_PIN=1234 java Consumer.java pkcs11.cfg
//
// pkcs11.cfg is a SunPKCS11 configuration: name, library and slot. Every key of the token's key store that has a
// certificate signs and is verified by Java's own provider, so the token is judged by somebody else.

import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Arrays;
import java.util.Collections;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.KeyGenerator;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

public class Consumer {
    private static final byte[] MESSAGE = "a message of some length, to be signed".getBytes();
    private static Provider token;

    public static void main(String[] arguments) throws Exception {
        token = Security.getProvider("SunPKCS11").configure(arguments[0]);
        Security.addProvider(token);
        KeyStore store = KeyStore.getInstance("PKCS11", token);
        store.load(null, System.getenv("CONSUMER_PIN").toCharArray());
        for (String alias : Collections.list(store.aliases())) {
            if (store.getCertificate(alias) != null) {
                PrivateKey key = (PrivateKey) store.getKey(alias, null);
                sign(alias, key, store.getCertificate(alias).getPublicKey());
            }
        }
        generate("RSA", 2048, null);
        generate("EC", 0, new ECGenParameterSpec("secp384r1"));
        agree();
        encrypt((SecretKey) store.getKey("aes", null));
        keepSecrets(store);
        decryptRsa();
        digestAndMac();
        random();
    }

    private static void sign(String alias, PrivateKey key, java.security.PublicKey judge) throws Exception {
        String[] algorithms = key.getAlgorithm().equals("RSA")
            ? new String[] {"SHA256withRSA", "SHA512withRSA", "RSASSA-PSS"}
            : new String[] {"SHA256withECDSA", "SHA384withECDSA"};
        for (String algorithm : algorithms) {
            PSSParameterSpec pss = algorithm.equals("RSASSA-PSS")
                ? new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1) : null;
            Signature signer = Signature.getInstance(algorithm, token);
            Signature verifier = Signature.getInstance(algorithm, pss == null && algorithm.contains("EC") ? "SunEC" : "SunRsaSign");
            if (pss != null) {
                signer.setParameter(pss);
                verifier.setParameter(pss);
            }
            signer.initSign(key);
            signer.update(MESSAGE, 0, 5);
            signer.update(MESSAGE, 5, MESSAGE.length - 5);
            byte[] signature = signer.sign();
            verifier.initVerify(judge);
            verifier.update(MESSAGE);
            expect(verifier.verify(signature), alias + " signs with " + algorithm);
        }
    }

    private static void generate(String algorithm, int bits, ECGenParameterSpec curve) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, token);
        if (curve == null) generator.initialize(bits); else generator.initialize(curve);
        KeyPair pair = generator.generateKeyPair();
        sign("a generated " + algorithm + " key", pair.getPrivate(), java.security.KeyFactory.getInstance(algorithm,
            algorithm.equals("EC") ? "SunEC" : "SunRsaSign").generatePublic(
                new java.security.spec.X509EncodedKeySpec(pair.getPublic().getEncoded())));
    }

    private static void agree() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", token);
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair one = generator.generateKeyPair();
        KeyPair two = generator.generateKeyPair();
        byte[][] secrets = new byte[2][];
        for (int side = 0; side < 2; side++) {
            KeyAgreement agreement = KeyAgreement.getInstance("ECDH", token);
            agreement.init(side == 0 ? one.getPrivate() : two.getPrivate());
            agreement.doPhase(side == 0 ? two.getPublic() : one.getPublic(), true);
            secrets[side] = agreement.generateSecret("TlsPremasterSecret").getEncoded();
        }
        expect(secrets[0] != null && Arrays.equals(secrets[0], secrets[1]), "ECDH agrees on both sides");
    }

    private static void encrypt(SecretKey stored) throws Exception {
        KeyGenerator generator = KeyGenerator.getInstance("AES", token);
        generator.init(256);
        for (SecretKey key : new SecretKey[] {stored, generator.generateKey()}) {
            String whose = key == stored ? "the stored AES key" : "a generated AES key";
            for (String algorithm : new String[] {"AES/CBC/PKCS5Padding", "AES/GCM/NoPadding"}) {
                Cipher cipher = Cipher.getInstance(algorithm, token);
                java.security.spec.AlgorithmParameterSpec parameters = parameters(algorithm);
                cipher.init(Cipher.ENCRYPT_MODE, key, parameters);
                byte[] sealed = cipher.doFinal(MESSAGE);
                cipher.init(Cipher.DECRYPT_MODE, key, parameters);
                expect(Arrays.equals(MESSAGE, cipher.doFinal(sealed)), whose + " does " + algorithm);
            }
        }
    }

    /** Secret keys that Java hands to the token, finds there again, and uses; its own provider knows them too. */
    private static void keepSecrets(KeyStore store) throws Exception {
        byte[] bytes = new byte[32];
        new SecureRandom().nextBytes(bytes);
        store.setEntry("kept-aes", new KeyStore.SecretKeyEntry(new SecretKeySpec(bytes, "AES")), null);
        store.setEntry("kept-hmac", new KeyStore.SecretKeyEntry(new SecretKeySpec(bytes, "HmacSHA256")), null);
        KeyStore again = KeyStore.getInstance("PKCS11", token);
        again.load(null, System.getenv("CONSUMER_PIN").toCharArray());
        SecretKey aes = (SecretKey) again.getKey("kept-aes", null);
        for (String algorithm : new String[] {"AES/CBC/PKCS5Padding", "AES/GCM/NoPadding", "AES/CTR/NoPadding"}) {
            Cipher cipher = Cipher.getInstance(algorithm, token);
            java.security.spec.AlgorithmParameterSpec parameters = parameters(algorithm);
            cipher.init(Cipher.ENCRYPT_MODE, aes, parameters);
            byte[] sealed = cipher.doFinal(MESSAGE);
            Cipher judge = Cipher.getInstance(algorithm, "SunJCE");
            judge.init(Cipher.DECRYPT_MODE, new SecretKeySpec(bytes, "AES"), parameters);
            expect(Arrays.equals(MESSAGE, judge.doFinal(sealed)), "the kept AES key does " + algorithm + ", Java's own decrypts");
        }
        Mac mac = Mac.getInstance("HmacSHA256", token);
        mac.init((SecretKey) again.getKey("kept-hmac", null));
        Mac judge = Mac.getInstance("HmacSHA256", "SunJCE");
        judge.init(new SecretKeySpec(bytes, "HmacSHA256"));
        expect(Arrays.equals(mac.doFinal(MESSAGE), judge.doFinal(MESSAGE)), "the kept HMAC key makes what Java's own makes");
        SecretKey generated = KeyGenerator.getInstance("HmacSHA256", token).generateKey();
        store.setEntry("made-hmac", new KeyStore.SecretKeyEntry(generated), null);
        again.load(null, System.getenv("CONSUMER_PIN").toCharArray());
        mac.init((SecretKey) again.getKey("made-hmac", null));
        judge.init(new SecretKeySpec(generated.getEncoded(), "HmacSHA256"));
        expect(Arrays.equals(mac.doFinal(MESSAGE), judge.doFinal(MESSAGE)), "a generated and stored HMAC key makes it too");
        again.deleteEntry("made-hmac");
        expect(aes.getEncoded() == null, "the kept AES key does not leave the token");
        again.deleteEntry("kept-aes");
        again.deleteEntry("kept-hmac");
    }

    private static void decryptRsa() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA", token);
        generator.initialize(2048);
        KeyPair pair = generator.generateKeyPair();
        Cipher outside = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        outside.init(Cipher.ENCRYPT_MODE, java.security.KeyFactory.getInstance("RSA", "SunRsaSign").generatePublic(
            new java.security.spec.X509EncodedKeySpec(pair.getPublic().getEncoded())));
        Cipher cipher = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        cipher.init(Cipher.DECRYPT_MODE, pair.getPrivate());
        expect(Arrays.equals(MESSAGE, cipher.doFinal(outside.doFinal(MESSAGE))), "RSA decrypts what Java's own encrypted");
    }

    private static java.security.spec.AlgorithmParameterSpec parameters(String algorithm) {
        byte[] iv = new byte[algorithm.contains("GCM") ? 12 : 16];
        new SecureRandom().nextBytes(iv);
        return algorithm.contains("GCM") ? new GCMParameterSpec(128, iv) : new IvParameterSpec(iv);
    }

    private static void digestAndMac() throws Exception {
        byte[] ours = MessageDigest.getInstance("SHA-256", token).digest(MESSAGE);
        expect(Arrays.equals(ours, MessageDigest.getInstance("SHA-256", "SUN").digest(MESSAGE)), "SHA-256 equals Java's own");
        Mac mac = Mac.getInstance("HmacSHA256", token);
        byte[] secret = new byte[32];
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        Mac judge = Mac.getInstance("HmacSHA256", "SunJCE");
        judge.init(new SecretKeySpec(secret, "HmacSHA256"));
        expect(Arrays.equals(mac.doFinal(MESSAGE), judge.doFinal(MESSAGE)), "HMAC-SHA-256 equals Java's own");
    }

    private static void random() throws Exception {
        byte[] bytes = new byte[64];
        SecureRandom.getInstance("PKCS11", token).nextBytes(bytes);
        expect(!Arrays.equals(bytes, new byte[64]), "random numbers");
    }

    private static void expect(boolean good, String what) {
        if (!good) throw new IllegalStateException("failed: " + what);
        System.out.println("ok " + what);
    }
}
