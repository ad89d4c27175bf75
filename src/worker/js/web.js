// Makes the globals that handlers see. This is what all isolates have in common; `glue.js`, which is evaluated after it,
// takes what it needs from here out of `__bootstrap.web` and then removes `__bootstrap`, so that nothing of the runtime
// below stays within a handler's reach. Only primordials are used, so that a handler which changes Object.prototype or
// Array.prototype changes nothing here.
(function () {
  const { core, primordials } = globalThis.__bootstrap;
  const { op_log } = core.ops;
  const { ObjectDefineProperty, ObjectGetOwnPropertyDescriptor } = primordials;
  const global = globalThis;

  // What is not used is not even compiled.

  function lazy(name, specifier, select) {
    let value, loaded = false;
    ObjectDefineProperty(global, name, {
      __proto__: null,
      configurable: true,
      enumerable: false,
      get() {
        if (!loaded) {
          value = select(core.loadExtScript(specifier));
          loaded = true;
        }
        // A frozen globalThis keeps the getter.
        if (ObjectGetOwnPropertyDescriptor(global, name)?.configurable) {
          ObjectDefineProperty(global, name, {
            __proto__: null, value, configurable: true, enumerable: false, writable: true,
          });
        }
        return value;
      },
      set(value) {
        ObjectDefineProperty(global, name, {
          __proto__: null, value, configurable: true, enumerable: false, writable: true,
        });
      },
    });
  }

  const lazily = (specifier, ...names) => {
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      lazy(name, specifier, (module) => module[name]);
    }
  };
  lazily("ext:deno_web/00_url.js", "URL", "URLSearchParams");
  lazily("ext:deno_web/01_dom_exception.js", "DOMException");
  lazily("ext:deno_web/02_event.js", "Event", "EventTarget", "CustomEvent", "ErrorEvent");
  lazily("ext:deno_web/02_structured_clone.js", "structuredClone");
  lazily("ext:deno_web/03_abort_signal.js", "AbortController", "AbortSignal");
  lazily("ext:deno_web/05_base64.js", "atob", "btoa");
  lazily("ext:deno_web/08_text_encoding.js", "TextEncoder", "TextDecoder");
  lazily("ext:deno_web/15_performance.js", "performance");

  let consoleModule;
  function loadConsole() {
    if (consoleModule === undefined) {
      consoleModule = core.loadExtScript("ext:deno_web/01_console.js");
      consoleModule.setNoColorFns(() => true, () => true);
    }
    return consoleModule;
  }
  function format(args) {
    if (args.length === 1 && typeof args[0] === "string") return args[0];
    return loadConsole().inspectArgs(args, { __proto__: null, colors: false });
  }
  lazy("console", "ext:deno_web/01_console.js", () =>
    new (loadConsole().Console)((text, level) => op_log(0, level > 3 ? 3 : level, text)));
  ObjectDefineProperty(global, "self", {
    __proto__: null, value: global, configurable: true, enumerable: false, writable: true,
  });

  function reportException(error) {
    op_log(0, 3, "Uncaught " + loadConsole().inspectArgs([error], { __proto__: null, colors: false }));
  }
  core.setReportExceptionCallback(reportException);
  core.setUnhandledPromiseRejectionHandler((_promise, reason) => {
    op_log(0, 3, "Unhandled rejection: " + loadConsole().inspectArgs([reason], { __proto__: null, colors: false }));
    return true;
  });

  globalThis.__bootstrap.web = { __proto__: null, format };
})();
