// `fetch`, on top of the host's calls. Headers, bodies, requests and responses are those of the web crates; here is only
// what goes between them and the operations. An operation that answers "gone" means that the invocation has ended: then
// nothing settles any more, so that what the handler left behind does not go on.
(function () {
  "use strict";
  const { core, primordials } = __bootstrap;
  const {
    op_fetch_start, op_fetch_response, op_fetch_head, op_fetch_body, op_fetch_take,
    op_fetch_room, op_fetch_write, op_fetch_finish, op_fetch_cancel,
  } = core.ops;
  const {
    ObjectPrototypeIsPrototypeOf, ObjectSetPrototypeOf, Promise, TypeError,
    TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetSymbolToStringTag,
  } = primordials;

  const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
  const {
    acquireReadableStreamDefaultReader, readableByteStreamControllerClose, readableByteStreamControllerEnqueue,
    readableByteStreamControllerError, ReadableStream, readableStreamCollectIntoUint8Array, ReadableStreamPrototype,
  } = core.loadExtScript("ext:deno_web/06_streams.js");
  const { InnerBody } = core.loadExtScript("ext:deno_fetch/22_body.js");
  const { Request, toInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
  const { fromInnerResponse, newInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
  const abortSignal = core.loadExtScript("ext:deno_web/03_abort_signal.js");

  // Setters of Object.prototype shall see nothing of what it holds.
  ObjectSetPrototypeOf(InnerBody.prototype, null);

  const REDIRECT = { __proto__: null, follow: 0, error: 1, manual: 2 };
  // What `op_fetch_body` says.
  const DATA = 0, END = 1;
  const never = () => new Promise(() => {});

  // The bytes of a body if its length is known, else its stream.
  async function payload(body) {
    if (body === null) return null;
    const stream = body.streamOrStatic;
    if (ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, stream)) {
      return body.length === null ? stream : await readableStreamCollectIntoUint8Array(stream);
    }
    const bytes = body.consume();
    return typeof bytes === "string" ? core.encode(bytes) : bytes;
  }

  // Sends a stream as the host takes it. What goes wrong in the stream fails the fetch.
  async function pump(id, stream, fail) {
    const reader = acquireReadableStreamDefaultReader(stream);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (TypedArrayPrototypeGetSymbolToStringTag(value) !== "Uint8Array") {
          throw new TypeError("a request's body is a stream of Uint8Array");
        }
        for (let at = 0; at < TypedArrayPrototypeGetByteLength(value);) {
          if (!await op_fetch_room(id)) {
            // The response has come to its end without the rest.
            await reader.cancel();
            return;
          }
          at += op_fetch_write(id, value, at);
        }
      }
      op_fetch_finish(id);
    } catch (error) {
      fail(error);
    }
  }

  // The response's body, read from the host as it is read from here.
  function download(call) {
    return new ReadableStream({
      __proto__: null,
      type: "bytes",
      start(controller) {
        call.controller = controller;
      },
      async pull(controller) {
        let state;
        try {
          state = await op_fetch_body(call.id);
        } catch (error) {
          call.done();
          readableByteStreamControllerError(controller, error);
          return;
        }
        if (state === DATA) {
          readableByteStreamControllerEnqueue(controller, op_fetch_take(call.id));
        } else if (state === END) {
          call.done();
          readableByteStreamControllerClose(controller);
          controller.byobRequest?.respond(0);
        } else {
          return never();
        }
      },
      cancel() {
        call.done();
        op_fetch_cancel(call.id);
      },
    });
  }

  async function respond(call, url) {
    if (!await op_fetch_response(call.id)) {
      if (call.failed) throw call.error;
      return never();
    }
    const head = op_fetch_head(call.id);
    const inner = newInnerResponse(head.status, head.reason);
    inner.type = "basic";
    inner.headerList = head.headers;
    inner.urlList = head.redirected ? [url, head.url] : [head.url];
    if (head.has_body) {
      inner.body = new InnerBody(download(call));
    } else {
      call.done();
    }
    return fromInnerResponse(inner, "immutable");
  }

  async function fetch(input, init = undefined) {
    webidl.requiredArguments(arguments.length, 1, "Failed to execute 'fetch'");
    const request = new Request(input, init);
    const inner = toInnerRequest(request);
    const signal = request.signal;
    if (signal.aborted) {
      inner.body?.cancel(signal.reason);
      throw signal.reason;
    }
    const url = inner.currentUrl();
    const body = await payload(inner.body);
    if (signal.aborted) throw signal.reason;
    const streams = ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, body);
    const id = op_fetch_start(
      inner.method, url, inner.headerList, REDIRECT[inner.redirectMode], streams ? null : body, streams,
    );
    const call = { __proto__: null, id, controller: null, failed: false, error: undefined, done };
    function done() {
      signal[abortSignal.remove](abort);
    }
    // Whoever waits for an operation learns that the fetch was given up, and looks here for the reason.
    function fail(error) {
      done();
      call.failed = true;
      call.error = error;
      op_fetch_cancel(id);
      if (call.controller !== null) readableByteStreamControllerError(call.controller, error);
    }
    function abort() {
      fail(signal.reason);
    }
    signal[abortSignal.add](abort);
    if (streams) pump(id, body, fail);
    // Awaited step by step, so that the stack of an error shows where the handler has called.
    try {
      return await respond(call, url);
    } catch (error) {
      done();
      throw error;
    }
  }

  return { fetch };
})();
