//! Web Crypto: known answers, there and back, and the bounds of what runs natively.

use crate::support::snippets::check;
use crate::support::worker::{Record, Worker, async_handler};

/// What every case may use.
const TOOLS: &str = "
    const { subtle } = crypto;
    const bytes = (text) => new TextEncoder().encode(text);
    const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const fails = async (run) => { try { await run(); return 'none'; } catch (error) { return error.name; } };
";

#[test]
fn random_values() {
    check(
        TOOLS,
        &[(
            "getRandomValues and randomUUID",
            "const some = crypto.getRandomValues(new Uint8Array(32)); return [new Set(some).size > 4, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto.randomUUID() !== crypto.randomUUID(), await fails(() => crypto.getRandomValues(new Uint8Array(65537))), crypto instanceof Crypto, subtle instanceof SubtleCrypto];",
            r#"[true,true,true,"QuotaExceededError",true,true]"#,
        )],
    );
}

#[test]
fn random_values_differ_from_isolate_to_isolate() {
    let mut worker = Worker::start();
    let body = "return [Math.random(), crypto.randomUUID(), hex(crypto.getRandomValues(new Uint8Array(8)))].join();";
    let mut seen = std::collections::HashSet::new();
    for channel in 1..=3 {
        worker.load(channel, &async_handler(&format!("{TOOLS}{body}")));
        let settled = worker.one_in(channel, Record::new("x"));
        seen.extend(settled.outputs()[0].text().split(',').map(str::to_owned));
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
}

#[test]
fn known_answers() {
    check(TOOLS, &[
        (
            "digest",
            "return [hex(await subtle.digest('SHA-256', bytes('abc'))), hex(await subtle.digest({ name: 'sha-1' }, bytes('abc'))), (await subtle.digest('SHA-512', bytes(''))).byteLength, await fails(() => subtle.digest('MD5', bytes('')))];",
            r#"["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","a9993e364706816aba3e25717850c26c9cd0d89d",64,"NotSupportedError"]"#,
        ),
        (
            "HMAC",
            "const key = await subtle.importKey('raw', bytes('key'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
             const mac = await subtle.sign('HMAC', key, bytes('The quick brown fox jumps over the lazy dog'));
             return [hex(mac), await subtle.verify('HMAC', key, mac, bytes('The quick brown fox jumps over the lazy dog')), await subtle.verify('HMAC', key, mac, bytes('x')), await fails(() => subtle.exportKey('raw', key))];",
            r#"["f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",true,false,"InvalidAccessError"]"#,
        ),
        (
            "PBKDF2",
            "const key = await subtle.importKey('raw', bytes('password'), 'PBKDF2', false, ['deriveBits', 'deriveKey']);
             const bits = await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: bytes('salt'), iterations: 4096 }, key, 256);
             const derived = await subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt: bytes('salt'), iterations: 4096 }, key, { name: 'AES-GCM', length: 256 }, true, ['encrypt']);
             return [hex(bits), hex(await subtle.exportKey('raw', derived)) === hex(bits)];",
            r#"["c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a",true]"#,
        ),
        (
            "HKDF",
            "const key = await subtle.importKey('raw', new Uint8Array(22).fill(11), 'HKDF', false, ['deriveBits']);
             const info = Uint8Array.from({ length: 10 }, (_, i) => 0xf0 + i), salt = Uint8Array.from({ length: 13 }, (_, i) => i);
             return hex(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, 336));",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            "AES-CBC",
            "const raw = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
             const key = await subtle.importKey('raw', raw('2b7e151628aed2a6abf7158809cf4f3c'), 'AES-CBC', false, ['encrypt']);
             return hex(await subtle.encrypt({ name: 'AES-CBC', iv: raw('000102030405060708090a0b0c0d0e0f') }, key, raw('6bc1bee22e409f96e93d7e117393172a'))).slice(0, 32);",
            "7649abac8119b246cee98e9b12e9197d",
        ),
    ]);
}

#[test]
fn there_and_back() {
    check(TOOLS, &[
        (
            "AES-GCM and AES-CTR",
            "const key = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt', 'decrypt']); const iv = crypto.getRandomValues(new Uint8Array(12));
             const sealed = await subtle.encrypt({ name: 'AES-GCM', iv, additionalData: bytes('a') }, key, bytes('secret'));
             const opened = await subtle.decrypt({ name: 'AES-GCM', iv, additionalData: bytes('a') }, key, sealed);
             const wrong = await fails(() => subtle.decrypt({ name: 'AES-GCM', iv, additionalData: bytes('b') }, key, sealed));
             return [new TextDecoder().decode(opened), wrong, key instanceof CryptoKey, key.algorithm.name, key.usages, (await subtle.exportKey('jwk', key)).kty];",
            r#"["secret","OperationError",true,"AES-GCM",["encrypt","decrypt"],"oct"]"#,
        ),
        (
            "ECDSA and Ed25519",
            "const got = []; for (const [make, use] of [[{ name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }], ['Ed25519', 'Ed25519']]) {
               const { privateKey, publicKey } = await subtle.generateKey(make, true, ['sign', 'verify']); const signature = await subtle.sign(use, privateKey, bytes('m'));
               const again = await subtle.importKey('spki', await subtle.exportKey('spki', publicKey), make, true, ['verify']);
               got.push(await subtle.verify(use, again, signature, bytes('m')), await subtle.verify(use, publicKey, signature, bytes('n'))); }
             return got;",
            "[true,false,true,false]",
        ),
        (
            "ECDH and X25519",
            "const got = []; for (const make of [{ name: 'ECDH', namedCurve: 'P-384' }, { name: 'X25519' }]) { const [a, b] = [await subtle.generateKey(make, false, ['deriveBits']), await subtle.generateKey(make, false, ['deriveBits'])];
               const [left, right] = [await subtle.deriveBits({ name: make.name, public: b.publicKey }, a.privateKey, 256), await subtle.deriveBits({ name: make.name, public: a.publicKey }, b.privateKey, 256)]; got.push(hex(left) === hex(right), left.byteLength); }
             return got;",
            "[true,32,true,32]",
        ),
        (
            "RSA",
            "const { privateKey, publicKey } = await subtle.generateKey({ name: 'RSA-PSS', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
             const signature = await subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, privateKey, bytes('m'));
             const jwk = await subtle.exportKey('jwk', publicKey); return [await subtle.verify({ name: 'RSA-PSS', saltLength: 32 }, publicKey, signature, bytes('m')), jwk.e, privateKey.algorithm.modulusLength];",
            r#"[true,"AQAB",1024]"#,
        ),
        (
            "wrapping",
            "const wrapping = await subtle.importKey('raw', new Uint8Array(16), 'AES-KW', false, ['wrapKey', 'unwrapKey']); const key = await subtle.importKey('raw', new Uint8Array(16).fill(3), 'AES-CBC', true, ['encrypt']);
             const wrapped = await subtle.wrapKey('raw', key, wrapping, 'AES-KW'); const again = await subtle.unwrapKey('raw', wrapped, wrapping, 'AES-KW', 'AES-CBC', true, ['encrypt']);
             return hex(await subtle.exportKey('raw', again)) === '03'.repeat(16);",
            "true",
        ),
    ]);
}

#[test]
fn what_would_run_for_ever_is_refused() {
    check(TOOLS, &[
        (
            "iterations",
            "const key = await subtle.importKey('raw', bytes('p'), 'PBKDF2', false, ['deriveBits', 'deriveKey']); const with_ = (more, bits) => fails(() => subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: bytes('s'), iterations: 1, ...more }, key, bits));
             let reads = 0; const sly = { name: 'PBKDF2', hash: 'SHA-256', salt: bytes('s'), get iterations() { return reads++ === 0 ? 1 : 4294967295; } };
             return [await with_({ iterations: 4294967295 }, 256), await with_({ iterations: -1 }, 256), await with_({ iterations: 1000000 }, 4294967288), await with_({ iterations: { valueOf: () => 4294967295 } }, 256), await fails(() => subtle.deriveBits(sly, key, 256)), reads];",
            r#"["OperationError","OperationError","OperationError","OperationError","none",1]"#,
        ),
        (
            "keys",
            "const rsa = (more) => fails(() => subtle.generateKey({ name: 'RSA-OAEP', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256', ...more }, true, ['encrypt', 'decrypt']));
             return [await rsa({ modulusLength: 16384 }), await rsa({ publicExponent: new Uint8Array([2]) }), await fails(() => subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 4294967288 }, true, ['sign']))];",
            r#"["OperationError","OperationError","OperationError"]"#,
        ),
        (
            "too many at once",
            "const all = await Promise.allSettled(Array.from({ length: 100 }, () => subtle.digest('SHA-256', bytes('x')))); const after = await subtle.digest('SHA-256', bytes('x'));
             return [all.filter((one) => one.status === 'fulfilled').length, all.find((one) => one.status === 'rejected').reason.name, after.byteLength];",
            r#"[64,"OperationError",32]"#,
        ),
    ]);
}

#[test]
fn only_the_standard_is_there() {
    check(TOOLS, &[
        (
            "methods and statics",
            "const own = (object) => Object.getOwnPropertyNames(object).sort(); const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(subtle)).sort();
             crypto; return [own(Crypto), own(CryptoKey), own(SubtleCrypto), inherited];",
            r#"[["length","name","prototype"],["length","name","prototype"],["length","name","prototype"],["constructor","decrypt","deriveBits","deriveKey","digest","encrypt","exportKey","generateKey","importKey","sign","unwrapKey","verify","wrapKey"]]"#,
        ),
        (
            "keys tell nothing of what they are made of",
            "const key = await subtle.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt']); const own = [...Object.getOwnPropertyNames(key), ...Object.getOwnPropertySymbols(key)];
             const shown = own.map((name) => key[name]).filter((value) => typeof value === 'function' || value?.byteLength || value?.data); return [shown.length, await fails(() => structuredClone(key)), await fails(() => new CryptoKey())];",
            r#"[0,"DataCloneError","TypeError"]"#,
        ),
        (
            "other algorithms",
            "const names = []; for (const name of ['ML-DSA-44', 'SLH-DSA-SHA2-256s', 'X448', 'ChaCha20-Poly1305', 'KMAC128', 'AES-OCB', 'nothing']) names.push(await fails(() => subtle.generateKey({ name, length: 128 }, true, ['sign', 'encrypt'])));
             const key = await subtle.importKey('raw', bytes('p'), 'PBKDF2', false, ['deriveBits']); names.push(await fails(() => subtle.deriveBits({ name: 'Argon2id', memory: 1 << 30, passes: 1, parallelism: 1, nonce: bytes('12345678') }, key, 256)));
             return [...new Set(names)];",
            r#"["NotSupportedError"]"#,
        ),
    ]);
}
