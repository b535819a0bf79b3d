export default {
  compilerOptions: {
    runes: true,
    // A table shown as blocks on a phone loses its meaning in some browsers unless the roles are written out.
    warningFilter: (warning) => warning.code !== "a11y_no_redundant_roles",
  },
  // A warning of the compiler (a missing label, a wrong role) stops the build.
  onwarn(warning) {
    throw new Error(`${warning.filename}: ${warning.message}`);
  },
};
