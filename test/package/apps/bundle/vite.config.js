export default {
  build: {
    ssr: true,
    outDir: 'vite',
    rollupOptions: {
      input: ['send.js', 'work.js'],
      output: { entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
    },
  },
  ssr: { noExternal: true },
};
