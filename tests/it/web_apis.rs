//! What the web APIs of handlers do, each by a few lines of JavaScript and the JSON that they come to.

use crate::support::snippets::check;
use crate::support::worker::{Record, Worker, async_handler};

#[test]
fn urls_and_patterns() {
    check("", &[
        (
            "URL",
            "const url = new URL('../a b?x=1#f', 'https://u:p@ä.example:8443/c/d'); url.searchParams.append('y', 'é');
             return [url.href, url.host, URL.canParse('::'), url.origin];",
            r#"["https://u:p@xn--4ca.example:8443/a%20b?x=1&y=%C3%A9#f","xn--4ca.example:8443",false,"https://xn--4ca.example:8443"]"#,
        ),
        (
            "URLSearchParams",
            "const all = new URLSearchParams('b=2&a=1&b=3'); all.sort(); return [String(all), all.getAll('b'), all.has('c'), [...all.keys()]];",
            r#"["a=1&b=2&b=3",["2","3"],false,["a","b","b"]]"#,
        ),
        (
            "URLPattern",
            "const pattern = new URLPattern({ pathname: '/orders/:id(\\\\d+)/*' }); const found = pattern.exec('https://x.example/orders/17/a/b');
             return [found.pathname.groups, pattern.test('https://x.example/orders/y/a')];",
            r#"[{"0":"a/b","id":"17"},false]"#,
        ),
    ]);
}

#[test]
fn text_and_base64() {
    check("", &[
        (
            "TextEncoder and TextDecoder",
            "const { read, written } = new TextEncoder().encodeInto('aé€', new Uint8Array(4)); let fatal = 'none';
             try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])); } catch (error) { fatal = error.name; }
             return [read, written, fatal, new TextDecoder('windows-1252').decode(new Uint8Array([0x80])), new TextDecoder('utf-16le').encoding];",
            r#"[2,3,"TypeError","€","utf-16le"]"#,
        ),
        ("atob and btoa", "return [btoa('\\xff\\0a'), atob(' /wBh '), (() => { try { btoa('€'); } catch (error) { return error.name; } })()];",
            r#"["/wBh","ÿ\u0000a","InvalidCharacterError"]"#),
        (
            "text streams",
            "const bytes = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([0xe2, 0x82])); c.enqueue(new Uint8Array([0xac])); c.close(); } });
             let text = ''; for await (const part of bytes.pipeThrough(new TextDecoderStream())) text += part;
             const encoder = new TextEncoderStream(); const writer = encoder.writable.getWriter(); writer.write('é'); writer.close();
             const { value } = await encoder.readable.getReader().read(); return [text, [...value]];",
            r#"["€",[195,169]]"#,
        ),
    ]);
}

#[test]
fn streams() {
    check("", &[
        (
            "pipes, tee and backpressure",
            "const numbers = new ReadableStream({ start() { this.n = 0; }, pull(c) { this.n++ < 4 ? c.enqueue(this.n) : c.close(); } }, new CountQueuingStrategy({ highWaterMark: 1 }));
             const double = new TransformStream({ transform(chunk, c) { c.enqueue(chunk * 2); } });
             const [left, right] = numbers.pipeThrough(double).tee(); const got = [];
             await left.pipeTo(new WritableStream({ write(chunk) { got.push(chunk); } }));
             const reader = right.getReader(); const first = await reader.read(); return [got, first, right.locked];",
            r#"[[2,4,6,8],{"value":2,"done":false},true]"#,
        ),
        (
            "bytes read into the reader's own buffer",
            "const stream = new ReadableStream({ type: 'bytes', pull(c) { const { view } = c.byobRequest; view[0] = 7; c.byobRequest.respond(1); } });
             const reader = stream.getReader({ mode: 'byob' }); const { value, done } = await reader.read(new Uint8Array(4));
             await reader.cancel(); return [[...value], value.buffer.byteLength, done, reader instanceof ReadableStreamBYOBReader];",
            "[[7],4,false,true]",
        ),
        (
            "ReadableStream.from and errors",
            "const got = []; for await (const item of ReadableStream.from(['a', Promise.resolve('b')])) got.push(item);
             const failing = new ReadableStream({ pull() { throw new RangeError('no more'); } });
             try { await failing.getReader().read(); } catch (error) { got.push(error.name, error.message); } return got;",
            r#"["a","b","RangeError","no more"]"#,
        ),
        (
            "an aborted pipe",
            "const controller = new AbortController(); const pipe = new ReadableStream({ pull: () => new Promise(() => {}) }).pipeTo(new WritableStream(), { signal: controller.signal });
             controller.abort(new Error('enough')); try { await pipe; } catch (error) { return error.message; }",
            "enough",
        ),
    ]);
}

#[test]
fn compression() {
    let there_and_back = |format: &str| {
        format!(
            "const text = 'compress me '.repeat(5000);
             const packed = new Blob([text]).stream().pipeThrough(new CompressionStream('{format}'));
             const bytes = new Uint8Array(await new Blob(await Array.fromAsync(packed)).arrayBuffer());
             const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('{format}'));
             return [bytes.length < 1000, (await new Blob(await Array.fromAsync(unpacked)).text()) === text];"
        )
    };
    let (gzip, deflate, raw) = (there_and_back("gzip"), there_and_back("deflate"), there_and_back("deflate-raw"));
    let tools = "const unpack = async (format, bytes) => {
        const parts = ReadableStream.from([bytes]).pipeThrough(new DecompressionStream(format));
        return await new Blob(await Array.fromAsync(parts)).text();
    };";
    check(tools, &[
        ("gzip", &gzip, "[true,true]"),
        ("deflate", &deflate, "[true,true]"),
        ("deflate-raw", &raw, "[true,true]"),
        (
            "a gzip file that another program wrote, and one that is cut off",
            "const file = Uint8Array.from(atob('H4sIAAAAAAAAA8tIzcnJVyjPL8pJAQCFEUoNCwAAAA=='), (c) => c.charCodeAt(0)); let name;
             try { await unpack('gzip', file.subarray(0, 20)); } catch (error) { name = error.name; } return [await unpack('gzip', file), name];",
            r#"["hello world","TypeError"]"#,
        ),
        (
            "what is no gzip",
            "try { return await unpack('gzip', new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])); } catch (error) { return error.name; }",
            "TypeError",
        ),
        (
            "formats and chunks of the wrong kind",
            "const names = []; for (const make of [() => new CompressionStream('brotli'), () => new CompressionStream(), () => CompressionStream('gzip')]) { try { make(); names.push('made'); } catch (error) { names.push(error.name); } }
             try { await Array.fromAsync(ReadableStream.from(['text']).pipeThrough(new CompressionStream('gzip'))); } catch (error) { names.push(error.name); } return names;",
            r#"["TypeError","TypeError","TypeError","TypeError"]"#,
        ),
    ]);
}

#[test]
fn cloning_and_messages() {
    check("", &[
        (
            "structuredClone",
            "const value = { map: new Map([[{ a: 1 }, new Set([1])]]), date: new Date(5), error: new RangeError('r'), big: 10n, bytes: new Uint8Array([1, 2]), pattern: /x/gi };
             value.self = value; const copy = structuredClone(value);
             return [copy.self === copy, [...copy.map.keys()][0].a, [...copy.map.values()][0].has(1), copy.date.getTime(), copy.error.name, String(copy.big), [...copy.bytes], String(copy.pattern), copy.map !== value.map];",
            r#"[true,1,true,5,"RangeError","10",[1,2],"/x/gi",true]"#,
        ),
        (
            "what cannot be cloned, and what is moved",
            "let name; try { structuredClone({ f() {} }); } catch (error) { name = error.name; }
             const buffer = new ArrayBuffer(8); const moved = structuredClone({ buffer }, { transfer: [buffer] }).buffer;
             return [name, buffer.byteLength, buffer.detached, moved.byteLength];",
            r#"["DataCloneError",0,true,8]"#,
        ),
        (
            "MessageChannel",
            "const { port1, port2 } = new MessageChannel(); const got = [];
             await new Promise((resolve) => { port2.onmessage = (event) => { got.push(event.data.n, event instanceof MessageEvent); port2.postMessage(event.data.bytes, [event.data.bytes.buffer]); };
               port1.onmessage = (event) => { got.push([...event.data]); resolve(); }; port1.postMessage({ n: 1, bytes: new Uint8Array([4, 5]) }); });
             port1.close(); return got;",
            "[1,true,[4,5]]",
        ),
        (
            "Blob and File",
            "const blob = new Blob(['aé', new Uint8Array([65]), new Blob(['!'])], { type: 'text/plain' }); const file = new File([blob], 'x.txt', { lastModified: 5 });
             return [blob.size, blob.type, await blob.text(), await blob.slice(0, 1).text(), [...new Uint8Array(await file.arrayBuffer())].length, file.name, file.lastModified, [...await blob.bytes()][0], typeof URL.createObjectURL];",
            r#"[5,"text/plain","aéA!","a",5,"x.txt",5,97,"undefined"]"#,
        ),
    ]);
}

#[test]
fn events_and_signals() {
    check("", &[
        (
            "Event, CustomEvent and EventTarget",
            "const target = new EventTarget(); const heard = []; const once = () => heard.push('once');
             target.addEventListener('go', once, { once: true }); target.addEventListener('go', { handleEvent(event) { heard.push(event.detail, event.target === target); event.preventDefault(); } });
             const first = target.dispatchEvent(new CustomEvent('go', { detail: 3, cancelable: true })); target.dispatchEvent(new CustomEvent('go', { detail: 4 }));
             return [heard, first, new Event('x').timeStamp, new ErrorEvent('error', { message: 'm', lineno: 2 }).lineno];",
            r#"[["once",3,true,4,true],false,0,2]"#,
        ),
        (
            "a listener that throws",
            "const target = new EventTarget(); let heard = 0; target.addEventListener('e', () => { throw new Error('thrown'); }); target.addEventListener('e', () => heard++);
             target.dispatchEvent(new Event('e')); return heard;",
            "1",
        ),
        (
            "AbortController and AbortSignal",
            "const controller = new AbortController(); const any = AbortSignal.any([controller.signal, new AbortController().signal]); let heard = '';
             any.onabort = () => heard += 'a'; any.addEventListener('abort', () => heard += 'b'); controller.abort('why');
             const aborted = AbortSignal.abort(); let name; try { aborted.throwIfAborted(); } catch (error) { name = error.name; } return [heard, any.aborted, any.reason, name];",
            r#"["ab",true,"why","AbortError"]"#,
        ),
        (
            "AbortSignal.timeout",
            "const signal = AbortSignal.timeout(5); await new Promise((resolve) => signal.onabort = resolve); let name; try { AbortSignal.timeout(-1); } catch (error) { name = error.name; }
             return [signal.reason.name, signal.reason instanceof DOMException, name];",
            r#"["TimeoutError",true,"TypeError"]"#,
        ),
        (
            "DOMException",
            "const error = new DOMException('m', 'NotFoundError'); return [error.code, error instanceof Error, String(error), DOMException.ABORT_ERR];",
            r#"[8,true,"NotFoundError: m",20]"#,
        ),
    ]);
}

#[test]
fn timers_and_clocks() {
    check("", &[
        (
            "timers",
            "const order = []; await new Promise((resolve) => { const every = setInterval(() => { if (order.push('i') === 3) { clearInterval(every); resolve(); } }, 1); const never = setTimeout(() => order.push('never'), 0); clearTimeout(never); queueMicrotask(() => order.push('micro')); });
             const passed = await new Promise((resolve) => setTimeout((a, b) => resolve(a + b), 1, 2, 3)); return [order[0], order.includes('never'), passed];",
            r#"["micro",false,5]"#,
        ),
        (
            "performance",
            "performance.mark('a'); const measure = performance.measure('m', 'a'); return [performance.now() >= 0, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000, measure.duration >= 0, performance.getEntriesByName('a').length, performance instanceof Performance];",
            "[true,true,true,1,true]",
        ),
        (
            "every clock counts whole milliseconds",
            "const whole = (n) => Number.isInteger(n); const now = () => [performance.now(), performance.timeOrigin, Date.now(), performance.mark('x').startTime, Number(Temporal.Now.instant().epochNanoseconds % 1000000n), Temporal.Now.zonedDateTimeISO().microsecond, Temporal.Now.plainTimeISO().nanosecond, Temporal.Now.plainDateTimeISO('UTC').microsecond, new File([], 'f').lastModified, new Event('e').timeStamp];
             const all = new Set(); for (let i = 0; i < 300; i++) now().forEach((n) => all.add(whole(n))); return [[...all], now().slice(4, 8), Temporal.Now.plainDateISO().year >= 2024];",
            "[[true],[0,0,0,0],true]",
        ),
    ]);
}

#[test]
fn errors_that_nobody_handles_are_events_first() {
    check("", &[
        (
            "reportError and onerror",
            "const got = []; globalThis.onerror = (message, file, line, column, error) => { got.push(message, file, line > 0, error.message); return true; };
             reportError(new Error('told')); setTimeout(() => { throw new TypeError('timer'); }, 0); await new Promise((resolve) => setTimeout(resolve, 5)); return got;",
            r#"["Uncaught Error: told","index.js",true,"told","Uncaught TypeError: timer","index.js",true,"timer"]"#,
        ),
        (
            "unhandledrejection and rejectionhandled",
            "const got = []; addEventListener('unhandledrejection', (event) => { event.preventDefault(); got.push(event.reason.message, event.promise === promise, event instanceof PromiseRejectionEvent); });
             onrejectionhandled = (event) => got.push('handled', event.promise === promise);
             const promise = Promise.reject(new Error('late')); await new Promise((resolve) => setTimeout(resolve, 5)); promise.catch(() => {}); await new Promise((resolve) => setTimeout(resolve, 5)); return got;",
            r#"["late",true,true,"handled",true]"#,
        ),
        (
            "a handler of errors that throws",
            "onerror = () => { throw new Error('again'); }; reportError(new Error('first')); reportError(undefined); reportError({ get stack() { throw 1; } }); return 'alive';",
            "alive",
        ),
    ]);
}

#[test]
fn what_nobody_handles_is_logged_and_the_handler_goes_on() {
    let mut worker = Worker::with(async_handler(
        "reportError(new Error('reported')); Promise.reject(new RangeError('rejected')); const target = new EventTarget(); target.addEventListener('e', () => { throw new Error('listener'); }); target.dispatchEvent(new Event('e'));
         await new Promise((resolve) => setTimeout(resolve, 2)); return 'done';",
    ));
    assert_eq!(worker.one(Record::new("x")).outputs()[0].text(), "done");
    let lines: Vec<_> = worker.logs.iter().map(|log| log.text.lines().next().unwrap_or_default().to_owned()).collect();
    for expected in
        ["Uncaught Error: reported", "Uncaught Error: listener", "Unhandled rejection: RangeError: rejected"]
    {
        assert!(lines.iter().any(|line| line == expected), "{expected} in {lines:?}");
    }
}

#[test]
fn navigator_and_self() {
    let agent = format!("[\"Eddyline/{}\",true,\"TypeError\"]", env!("CARGO_PKG_VERSION"));
    check(
        "",
        &[(
            "navigator",
            "let name; try { new Navigator(); } catch (error) { name = error.name; } return [navigator.userAgent, self === globalThis, name];",
            &agent,
        )],
    );
}
