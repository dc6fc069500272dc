export default { entry: ['send.js'], format: ['cjs', 'esm'], outDir: 'tsup', noExternal: [/./] };
