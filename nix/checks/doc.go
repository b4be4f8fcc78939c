// Package checks holds what is checked of nix/ on a machine without NixOS: that every
// file can be read, and that the modules evaluate as cases/ says, with the small lib and
// the option stubs of this folder. Where NIXPKGS is the path of a nixpkgs, the cases are
// evaluated with that as well.
//
// It has no code of its own but tests. Neighbours: ../modules, ../profiles, ../hosts,
// ../alerts and ../dashboards are what is checked.
package checks
