import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';

// A single file for each, for which nothing may be loaded later.
export default ['send', 'work'].map((name) => ({
  input: `${name}.js`,
  output: { file: `rollup/${name}.mjs` },
  plugins: [resolve(), commonjs(), json()],
}));
