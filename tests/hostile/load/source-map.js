// attack: a source map that names a file of the machine, and an error to show with it
// expect: problem E1204
throw new Error("look it up");
//# sourceMappingURL=file:///etc/passwd
