//! The globals that are loaded when a handler first touches them: no handler sees that they were not there before.

use crate::support::snippets::check;

const NAMES: &str = "
    const names = ['ByteLengthQueuingStrategy', 'CountQueuingStrategy', 'ReadableByteStreamController', 'ReadableStream', 'ReadableStreamBYOBReader',
      'ReadableStreamBYOBRequest', 'ReadableStreamDefaultController', 'ReadableStreamDefaultReader', 'TransformStream', 'TransformStreamDefaultController',
      'WritableStream', 'WritableStreamDefaultController', 'WritableStreamDefaultWriter', 'Headers', 'FormData', 'Request', 'Response', 'fetch'];
    const wrong = (good) => names.filter((name) => !good(name));\n";

#[test]
fn they_are_plain_properties_from_the_start() {
    check(
        NAMES,
        &[
            (
                "descriptors before anything else",
                "return wrong((name) => { const { value, writable, enumerable, configurable, get } = Object.getOwnPropertyDescriptor(globalThis, name); return typeof value === 'function' && value.name === name && writable && !enumerable && configurable && !get && value === globalThis[name]; });",
                "[]",
            ),
            (
                "looked up and called",
                "return wrong((name) => name in globalThis && typeof globalThis[name] === 'function' && globalThis[name] === globalThis[name]);",
                "[]",
            ),
            (
                "by their names",
                "return [typeof ReadableStream, typeof Response, Response === globalThis.Response, typeof fetch];",
                r#"["function","function",true,"function"]"#,
            ),
            (
                "assigned first",
                "for (const name of names) globalThis[name] = name; return wrong((name) => { const { value, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(globalThis, name); return value === name && writable && !enumerable && configurable; });",
                "[]",
            ),
            (
                "defined first",
                "for (const name of names) Object.defineProperty(globalThis, name, { value: 1 }); return wrong((name) => globalThis[name] === 1);",
                "[]",
            ),
            (
                "deleted first",
                "for (const name of names) delete globalThis[name]; return wrong((name) => !(name in globalThis) && typeof globalThis[name] === 'undefined');",
                "[]",
            ),
            (
                "sealed first",
                "Object.seal(globalThis); return [wrong((name) => typeof globalThis[name] === 'function'), await new Response('sealed').text()];",
                r#"[[],"sealed"]"#,
            ),
            (
                "frozen first",
                "Object.freeze(globalThis); return [wrong((name) => typeof globalThis[name] === 'function' && !Object.getOwnPropertyDescriptor(globalThis, name).writable), await new Response('frozen').text()];",
                r#"[[],"frozen"]"#,
            ),
        ],
    );
}

#[test]
fn whichever_comes_first_the_others_fit_it() {
    let body = "const stream = new Blob(['a', 'b']).stream(); const packed = stream.pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip'));
        const response = new Response(packed, { headers: { a: 'b' } }); const clone = response.clone(); const form = await new Response(new URLSearchParams('x=y')).formData();
        return [await response.text(), await clone.text(), response.headers instanceof Headers, clone.body instanceof ReadableStream, form.get('x'), new Request('http://a/').url];";
    let expected = r#"["ab","ab",true,true,"y","http://a/"]"#;
    let first = [
        "new TextDecoderStream();",
        "new CompressionStream('gzip');",
        "new Blob(['x']).stream();",
        "fetch;",
        "new Headers();",
        "new FormData();",
    ];
    let bodies: Vec<String> = first.iter().map(|first| format!("{first} {body}")).collect();
    let all: Vec<_> = first.iter().zip(&bodies).map(|(first, body)| (*first, body.as_str(), expected)).collect();
    check("", &all);
}

#[test]
fn a_handler_that_has_changed_the_language_is_not_asked() {
    check(
        NAMES,
        &[
            (
                "setters and methods",
                "const seen = []; const note = (what) => function () { seen[seen.length] = what; };
                 for (const name of [...names, 'MessagePort', 'resourceForReadableStream', 'pathFromURL', 'getCachedAbortSignal', 'HeadersInit', 'UnderlyingSource', 'send', 'receive']) for (const on of [Object.prototype, Array.prototype, Function.prototype]) Object.defineProperty(on, name, { configurable: true, get() { return undefined; }, set: note(name) });
                 Object.prototype.value = note('value'); Reflect.apply = note('apply'); Array.prototype.push = note('push'); Map.prototype.get = note('get'); Object.defineProperty = note('defineProperty'); Object.assign = note('assign');
                 Array.prototype[Symbol.iterator] = note('iterator'); Function.prototype.bind = note('bind'); String.prototype.toLowerCase = note('toLowerCase'); RegExp.prototype.exec = note('exec'); Promise.prototype.then = note('then');
                 Object.keys(FormData.prototype); Object.keys(Request.prototype); Object.keys(TransformStream.prototype); fetch;
                 const keys = Object.keys(Response.prototype).join(); const body = new Response('text'); return [seen, keys.includes('arrayBuffer,'), body.status, body.headers.get('content-type')];",
                r#"[[],true,200,"text/plain;charset=UTF-8"]"#,
            ),
        ],
    );
}

#[test]
fn without_room_on_the_stack_it_is_an_error_that_a_handler_can_catch() {
    check(
        "",
        &[(
            "deeper and deeper",
            "const caught = new Set(); const dive = () => { try { dive(); } catch (error) { caught.add(error.name); } try { ReadableStream; Response; fetch; } catch (error) { caught.add(error.name); } };
             dive(); return [[...caught], typeof ReadableStream, await new Response(new ReadableStream({ start(it) { it.enqueue(new Uint8Array([65])); it.close(); } })).text()];",
            r#"[["RangeError"],"function","A"]"#,
        )],
    );
}
