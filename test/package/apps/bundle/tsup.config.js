const bundle = { entry: ['send.js'], noExternal: [/./] };
const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

export default [
  { ...bundle, format: 'cjs', outDir: 'tsup-cjs' },
  { ...bundle, format: 'esm', outDir: 'tsup-esm', banner: { js: require } },
];
