// CompressionStream and DecompressionStream. They differ from the crate's own in one thing: what comes in is worked on
// in small pieces, and what each gives is passed on at once, so that a few bytes which unpack to gigabytes meet the
// limits long before they have done so. Goes into the snapshot.
(function () {
  "use strict";
  const { core, primordials, web } = globalThis.__bootstrap;
  const { op_compression_new, op_compression_write, op_compression_finish } = core.ops;
  const {
    ArrayBuffer, ArrayBufferIsView, DataViewPrototypeGetBuffer, DataViewPrototypeGetByteLength,
    DataViewPrototypeGetByteOffset, MathMin, TypedArrayPrototypeGetBuffer,
    TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetByteOffset, TypedArrayPrototypeGetSymbolToStringTag,
    TypedArrayPrototypeSubarray, TypeError, Uint8Array,
  } = primordials;
  const webidl = web.load("ext:deno_webidl/00_webidl.js");

  // What a piece unpacks to is at most about a thousand times as much.
  const PIECE = 16 << 10;

  // Bytes that zlib holds for one stream, about.
  const PACKER = 272 << 10, UNPACKER = 48 << 10;

  // Brotli is left out: its ratio has no bound.
  const toFormat = webidl.createEnumConverter("CompressionFormat", ["deflate", "deflate-raw", "gzip"]);

  function bytesOf(chunk) {
    if (core.isArrayBuffer(chunk)) return new Uint8Array(chunk);
    if (!ArrayBufferIsView(chunk)) {
      throw new TypeError("a chunk of a compression stream must be an ArrayBuffer or a view of one");
    }
    return TypedArrayPrototypeGetSymbolToStringTag(chunk) === undefined
      ? new Uint8Array(
        DataViewPrototypeGetBuffer(chunk), DataViewPrototypeGetByteOffset(chunk), DataViewPrototypeGetByteLength(chunk))
      : new Uint8Array(
        TypedArrayPrototypeGetBuffer(chunk), TypedArrayPrototypeGetByteOffset(chunk),
        TypedArrayPrototypeGetByteLength(chunk));
  }

  function coder(format, unpacks) {
    const { TransformStream } = web.load("ext:deno_web/06_streams.js");
    const state = op_compression_new(format, unpacks);
    // The engine sees nothing of what the state holds natively; this it counts, and frees with the stream. Nobody touches
    // it, so that a large one takes no memory.
    let ballast = new ArrayBuffer(unpacks ? UNPACKER : PACKER);
    const pass = (controller, output) => {
      if (TypedArrayPrototypeGetByteLength(output) > 0) controller.enqueue(output);
    };
    return new TransformStream({
      __proto__: null,
      transform(chunk, controller) {
        const bytes = bytesOf(chunk);
        const length = TypedArrayPrototypeGetByteLength(bytes);
        for (let at = 0; at < length; at += PIECE) {
          const piece = TypedArrayPrototypeSubarray(bytes, at, MathMin(at + PIECE, length));
          pass(controller, op_compression_write(state, piece));
        }
      },
      flush(controller) {
        ballast = null;
        pass(controller, op_compression_finish(state, true));
      },
      cancel() {
        ballast = null;
        op_compression_finish(state, false);
      },
    });
  }

  class CompressionStream {
    #transform;
    constructor(format) {
      const prefix = "Failed to construct 'CompressionStream'";
      webidl.requiredArguments(arguments.length, 1, prefix);
      this.#transform = coder(toFormat(format, prefix, "Argument 1"), false);
    }
    get readable() { return this.#transform.readable; }
    get writable() { return this.#transform.writable; }
  }

  class DecompressionStream {
    #transform;
    constructor(format) {
      const prefix = "Failed to construct 'DecompressionStream'";
      webidl.requiredArguments(arguments.length, 1, prefix);
      this.#transform = coder(toFormat(format, prefix, "Argument 1"), true);
    }
    get readable() { return this.#transform.readable; }
    get writable() { return this.#transform.writable; }
  }

  webidl.configureInterface(CompressionStream);
  webidl.configureInterface(DecompressionStream);
  web.define("CompressionStream", CompressionStream);
  web.define("DecompressionStream", DecompressionStream);
})();
