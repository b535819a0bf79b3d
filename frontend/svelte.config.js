export default {
  compilerOptions: { runes: true },
  // A warning of the compiler (a missing label, a wrong role) stops the build.
  onwarn(warning) {
    throw new Error(`${warning.filename}: ${warning.message}`);
  },
};
