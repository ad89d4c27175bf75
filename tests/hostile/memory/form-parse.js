// attack: a form of a hundred thousand parts, parsed
// expect: done | memory limit E2103 | failed E2001 | cpu limit E2101
// result: "parsed"
// several: it may be parsed, refused or be too much
// limits: cpu = "2s"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const part = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n';
  const response = new Response(part.repeat(100_000) + "--x--\r\n", { headers: { "content-type": "multipart/form-data; boundary=x" } });
  await response.formData();
  return "parsed";
}
