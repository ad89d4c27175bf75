//! One V8 isolate with default flags, and a plain function in it: text in, text out.

use deno_core::v8;

use super::Results;
use crate::contract::Work;

/// Must run on the main thread before there is any other.
pub fn initialise() {
    v8::V8::initialize_platform(v8::new_default_platform(0, false).make_shared());
    v8::V8::initialize();
}

/// The shortest JavaScript for each load. `true` stands for the record itself, an array for several results.
fn source(work: Work) -> &'static str {
    match work {
        Work::Passthrough => "(text) => true",
        Work::Enrich => {
            "(text) => { const order = JSON.parse(text); order.total = order.quantity * order.price; return JSON.stringify(order); }"
        }
        Work::Filter => "(text) => JSON.parse(text).status === 'returned'",
        Work::FanOut => {
            "(text) => { const order = JSON.parse(text); return [0, 1, 2].map((part) => { order.part = part; return JSON.stringify(order); }); }"
        }
        Work::Timer => panic!("the floor has no timers"),
    }
}

/// Calls `body` with what runs the function on one record.
pub fn with(work: Work, body: impl FnOnce(&mut dyn FnMut(&[u8], &mut Results))) {
    let isolate = &mut v8::Isolate::new(v8::CreateParams::default());
    v8::scope!(let handles, isolate);
    let context = v8::Context::new(handles, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(handles, context);
    let code = v8::String::new(scope, source(work)).expect("short");
    let script = v8::Script::compile(scope, code, None).expect("valid");
    let function = script.run(scope).expect("a value").try_cast::<v8::Function>().expect("a function");
    let receiver = v8::undefined(scope).into();
    body(&mut |value, results| {
        // Without a scope of its own for each record, handles would pile up.
        v8::scope!(let scope, scope);
        let text = string(scope, value).expect("not too long");
        let result = function.call(scope, receiver, &[text.into()]).expect("nothing is thrown");
        if let Ok(text) = result.try_cast::<v8::String>() {
            results.text(|out| append(scope, text, out));
        } else if result.is_true() {
            results.same();
        } else if let Ok(list) = result.try_cast::<v8::Array>() {
            for index in 0..list.length() {
                let text = list.get_index(scope, index).expect("an element");
                let text = text.try_cast::<v8::String>().expect("a text");
                results.text(|out| append(scope, text, out));
            }
        }
    });
}

/// Most JSON is ASCII, in which the engine need not look for characters of several bytes.
fn string<'s>(scope: &mut v8::PinScope<'s, '_>, bytes: &[u8]) -> Option<v8::Local<'s, v8::String>> {
    match v8::simdutf::validate_ascii(bytes) {
        true => v8::String::new_from_one_byte(scope, bytes, v8::NewStringType::Normal),
        false => v8::String::new_from_utf8(scope, bytes, v8::NewStringType::Normal),
    }
}

/// As UTF-8. Text of one byte for each character is copied as it is.
fn append<'s>(scope: &mut v8::PinScope<'s, '_>, text: v8::Local<'s, v8::String>, out: &mut Vec<u8>) {
    if let v8::ValueViewData::OneByte(bytes) = v8::ValueView::new(scope, text).data()
        && v8::simdutf::validate_ascii(bytes)
    {
        out.extend_from_slice(bytes);
        return;
    }
    out.extend_from_slice(text.to_rust_string_lossy(scope).as_bytes());
}
