// Requests of the web crates may name a client of Deno's own, which there is none of.
(function () {
  "use strict";
  class HttpClient {}
  return { HttpClientPrototype: HttpClient.prototype };
})();
