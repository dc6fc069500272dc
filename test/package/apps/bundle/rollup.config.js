import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';

export default {
  input: ['send.js', 'work.js'],
  output: { dir: 'rollup', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
  plugins: [resolve(), commonjs(), json()],
};
