const bundle = { entry: ['send.js'], noExternal: [/./] };
const require =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

export default [
  { ...bundle, format: 'cjs', outDir: 'tsup-cjs' },
  { ...bundle, format: 'esm', outDir: 'tsup-esm', banner: { js: require } },
];
