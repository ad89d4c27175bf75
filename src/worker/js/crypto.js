// Crypto, SubtleCrypto and CryptoKey: the standard's own methods and algorithms out of the crate's many, each parameter
// read once and bounded, because what runs natively cannot be interrupted. Goes into the snapshot.
(function () {
  "use strict";
  const { core, primordials, web } = globalThis.__bootstrap;
  const {
    ArrayPrototypePush, MathCeil, ObjectDefineProperty, ReflectApply, ReflectDeleteProperty, ReflectOwnKeys,
    SafeArrayIterator, String, StringPrototypeToLowerCase, SymbolFor, TypeError, TypedArrayPrototypeGetLength, Uint8Array,
  } = primordials;
  const { op_native_begin, op_native_end } = core.ops;
  const crate = web.load("ext:deno_crypto/00_crypto.js");
  const { DOMException } = web.load("ext:deno_web/01_dom_exception.js");
  const { Crypto, CryptoKey, SubtleCrypto } = crate;

  // Hashes computed to derive one key: about four seconds.
  const MAX_HASHES = 10_000_000;
  const MAX_RSA_BITS = 4096;
  const MAX_HMAC_BITS = 1 << 20;
  // Operations that one isolate may have open at a time; they are run one by one.
  const MAX_OPEN = 64;

  const KEYED = [
    "RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP", "ECDSA", "ECDH", "Ed25519", "X25519", "AES-CTR", "AES-CBC", "AES-GCM",
    "AES-KW", "HMAC", "HKDF", "PBKDF2",
  ];
  const HASHES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"];
  const FORMATS = ["raw", "pkcs8", "spki", "jwk"];
  const lowered = (names) => {
    const map = { __proto__: null };
    for (let i = 0; i < names.length; i++) map[StringPrototypeToLowerCase(names[i])] = names[i];
    return map;
  };
  const keyed = lowered(KEYED), hashes = lowered(HASHES);
  const NUMBERS = ["iterations", "length", "modulusLength", "saltLength", "tagLength"];
  const OTHERS = ["salt", "info", "publicExponent", "namedCurve", "public", "label", "iv", "counter", "additionalData"];

  const refuse = (message, name) => {
    throw new DOMException(message, name);
  };

  function known(names, value) {
    const text = String(typeof value === "object" && value !== null ? value.name : value);
    return names[StringPrototypeToLowerCase(text)] ?? refuse(`Unrecognized algorithm name: ${text}`, "NotSupportedError");
  }

  // A copy whose members do not change between the check and the use.
  function algorithmOf(value) {
    const copy = { __proto__: null };
    if (typeof value !== "object" || value === null) {
      copy.name = known(keyed, value);
      return copy;
    }
    copy.name = known(keyed, value);
    const hash = value.hash;
    if (hash !== undefined) copy.hash = known(hashes, hash);
    for (let i = 0; i < NUMBERS.length; i++) {
      const number = value[NUMBERS[i]];
      if (number === undefined) continue;
      copy[NUMBERS[i]] = +number;
      // No key is as long as a longer salt or tag would need.
      if (NUMBERS[i] === "saltLength" || NUMBERS[i] === "tagLength") bounded(copy[NUMBERS[i]], MAX_RSA_BITS / 8, NUMBERS[i]);
    }
    for (let i = 0; i < OTHERS.length; i++) {
      const other = value[OTHERS[i]];
      if (other !== undefined) copy[OTHERS[i]] = other;
    }
    return copy;
  }

  function bounded(value, most, what) {
    if (!(value >= 0 && value <= most)) refuse(`${what} must be at most ${most}`, "OperationError");
  }

  function boundDerivation(algorithm, bits) {
    if (algorithm.name !== "PBKDF2" || algorithm.iterations === undefined) return;
    // Each block is at least as long as the shortest hash.
    const hashes = algorithm.iterations * MathCeil((bits ?? 0) / 160 || 1);
    bounded(hashes, MAX_HASHES, "PBKDF2: the iterations, times the blocks to derive,");
  }

  function boundKey(algorithm) {
    if (algorithm.modulusLength !== undefined) bounded(algorithm.modulusLength, MAX_RSA_BITS, "modulusLength");
    if (algorithm.length !== undefined) bounded(algorithm.length, MAX_HMAC_BITS, "length");
  }

  // With an even exponent the search for a key would never end.
  function exponentOf(value) {
    const copy = new Uint8Array(value);
    let exponent = 0;
    for (let i = 0; i < TypedArrayPrototypeGetLength(copy); i++) exponent = exponent * 256 + copy[i];
    if (exponent !== 3 && exponent !== 65537) refuse("publicExponent must be 3 or 65537", "OperationError");
    return copy;
  }

  function formatOf(value) {
    const format = String(value);
    for (let i = 0; i < FORMATS.length; i++) if (FORMATS[i] === format) return format;
    throw new TypeError(`a key's format is one of raw, pkcs8, spki and jwk, not ${format}`);
  }

  // The crate gives keys a function that tells what they are made of, also of those that cannot be exported.
  const revealing = SymbolFor("Deno.core.hostObject");
  function checkedKey(key) {
    ReflectDeleteProperty(key, revealing);
    if (key.algorithm.modulusLength > MAX_RSA_BITS) {
      refuse(`keys of more than ${MAX_RSA_BITS} bits are not supported`, "NotSupportedError");
    }
    return key;
  }

  const prototype = SubtleCrypto.prototype;
  const native = { __proto__: null };
  const NAMES = [
    "decrypt", "deriveBits", "deriveKey", "digest", "encrypt", "exportKey", "generateKey", "importKey", "sign",
    "unwrapKey", "verify", "wrapKey",
  ];
  for (let i = 0; i < NAMES.length; i++) native[NAMES[i]] = prototype[NAMES[i]];

  let open = 0;
  async function run(name, self, ...args) {
    if (open >= MAX_OPEN) {
      refuse(`more than ${MAX_OPEN} cryptographic operations at once; await some of them first`, "OperationError");
    }
    open++;
    const job = op_native_begin();
    try {
      return await ReflectApply(native[name], self, args);
    } finally {
      open--;
      op_native_end(job);
    }
  }

  const methods = {
    __proto__: null,
    async decrypt(algorithm, key, data) {
      return await run("decrypt", this, algorithmOf(algorithm), key, data);
    },
    async deriveBits(algorithm, baseKey, length = undefined) {
      algorithm = algorithmOf(algorithm);
      if (length !== undefined && length !== null) length = +length;
      boundDerivation(algorithm, length);
      return await run("deriveBits", this, algorithm, baseKey, length);
    },
    async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
      algorithm = algorithmOf(algorithm);
      derivedKeyType = algorithmOf(derivedKeyType);
      boundKey(derivedKeyType);
      boundDerivation(algorithm, derivedKeyType.length ?? 1024);
      return checkedKey(await run("deriveKey", this, algorithm, baseKey, derivedKeyType, extractable, keyUsages));
    },
    async digest(algorithm, data) {
      return await run("digest", this, known(hashes, algorithm), data);
    },
    async encrypt(algorithm, key, data) {
      return await run("encrypt", this, algorithmOf(algorithm), key, data);
    },
    async exportKey(format, key) {
      return await run("exportKey", this, formatOf(format), key);
    },
    async generateKey(algorithm, extractable, keyUsages) {
      algorithm = algorithmOf(algorithm);
      boundKey(algorithm);
      if (algorithm.publicExponent !== undefined) algorithm.publicExponent = exponentOf(algorithm.publicExponent);
      const made = await run("generateKey", this, algorithm, extractable, keyUsages);
      if (made.privateKey === undefined) return checkedKey(made);
      checkedKey(made.publicKey);
      checkedKey(made.privateKey);
      return made;
    },
    async importKey(format, keyData, algorithm, extractable, keyUsages) {
      return checkedKey(
        await run("importKey", this, formatOf(format), keyData, algorithmOf(algorithm), extractable, keyUsages));
    },
    async sign(algorithm, key, data) {
      return await run("sign", this, algorithmOf(algorithm), key, data);
    },
    async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, keyAlgorithm, extractable, keyUsages) {
      return checkedKey(
        await run("unwrapKey", this, formatOf(format), wrappedKey, unwrappingKey, algorithmOf(unwrapAlgorithm),
          algorithmOf(keyAlgorithm), extractable, keyUsages));
    },
    async verify(algorithm, key, signature, data) {
      return await run("verify", this, algorithmOf(algorithm), key, signature, data);
    },
    async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
      return await run("wrapKey", this, formatOf(format), key, wrappingKey, algorithmOf(wrapAlgorithm));
    },
  };
  const keys = ReflectOwnKeys(prototype);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (typeof key === "string" && key !== "constructor" && native[key] === undefined) delete prototype[key];
  }
  for (let i = 0; i < NAMES.length; i++) {
    const name = NAMES[i];
    ObjectDefineProperty(prototype, name, {
      __proto__: null, value: methods[name], configurable: true, enumerable: true, writable: true,
    });
  }

  // What the classes have besides the standard makes keys and reads them, whatever they say about being extractable.
  const statics = [];
  for (const owner of new SafeArrayIterator([Crypto, CryptoKey, SubtleCrypto])) {
    for (const name of new SafeArrayIterator(ReflectOwnKeys(owner))) {
      if (name === "length" || name === "name" || name === "prototype") continue;
      if (owner !== CryptoKey) ArrayPrototypePush(statics, { __proto__: null, owner, name, value: owner[name] });
      delete owner[name];
    }
  }
  // A clone would be an empty object.
  web.load("ext:deno_web/13_message_port.js").markNotSerializable(CryptoKey.prototype);
  core.getCloneableDeserializers().CryptoKey = () => refuse("a CryptoKey cannot be cloned", "DataCloneError");

  web.define("Crypto", Crypto);
  web.define("CryptoKey", CryptoKey);
  web.define("SubtleCrypto", SubtleCrypto);
  // No native object can be in a snapshot, so this one is made at the first touch, and with the statics for that time.
  web.lazy("crypto", () => {
    for (let i = 0; i < statics.length; i++) {
      const { owner, name, value } = statics[i];
      ObjectDefineProperty(owner, name, { __proto__: null, value, configurable: true });
    }
    try {
      return crate.crypto;
    } finally {
      for (let i = 0; i < statics.length; i++) ReflectDeleteProperty(statics[i].owner, statics[i].name);
    }
  });
})();
