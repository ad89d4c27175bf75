// attack: forms, requests and responses with bodies without end
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: external = "32MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const all = [];
  const part = new Blob([new Uint8Array(1 << 20)]);
  for (;;) {
    const form = new FormData();
    form.append("file", part, "name");
    const response = new Response(form);
    all.push(response, response.clone(), await new Response(form).bytes());
  }
}
