# A script of ./scripts as a program, with what it calls in its PATH. nixpkgs has shellcheck read it
# when it is built.
{ lib, pkgs }:
name: runtimeInputs:
lib.getExe (pkgs.writeShellApplication {
  name = "watchstander-${name}";
  inherit runtimeInputs;
  text = builtins.readFile (./scripts + "/${name}.sh");
})
