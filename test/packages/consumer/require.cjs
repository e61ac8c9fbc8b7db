// What `require()` gives, by package: the same names as `import`, and the same objects.
const specifiers = process.argv.slice(2);
const names = Object.fromEntries(
  specifiers.map((specifier) => [specifier, Object.keys(require(specifier)).sort()]),
);
Promise.all(
  specifiers.map(async (specifier) => {
    const imported = await import(specifier);
    const required = require(specifier);
    return Object.keys(required).every((name) => required[name] === imported[name]);
  }),
).then((same) => process.stdout.write(JSON.stringify({ names, same: same.every(Boolean) })));
