# The flake's checks: what needs a real Nix and nixpkgs. The rest is checked by the
# project's tests (`go test ./nix/checks`), on machines that have neither.
{ self, pkgs }:
let
  inherit (pkgs) lib;
  checked = import ./. { inherit lib; };
  wrong = lib.concatLists (lib.mapAttrsToList (file: r: map (w: "${file}: ${w}") r.wrong) checked.results);
in
{
  package = pkgs.watchstander;

  # The cases with nixpkgs' own lib. With all of NixOS around them they are evaluated by
  # `NIXPKGS=… go test ./nix/checks`: some compare a host's whole list of units.
  cases = pkgs.runCommand "watchstander-cases" { } (
    if wrong == [ ] then "touch $out"
    else "echo ${lib.escapeShellArg (lib.concatLines wrong)} >&2; exit 1"
  );

  rules = pkgs.runCommand "watchstander-rules" { nativeBuildInputs = [ pkgs.prometheus.cli ]; } ''
    promtool check rules ${../alerts}/*.yaml
    cp -r ${../alerts} alerts
    cd alerts/tests
    promtool test rules *.yaml
    touch $out
  '';
} // lib.optionalAttrs (pkgs.stdenv.hostPlatform.system == "x86_64-linux") {
  vulcan = self.nixosConfigurations.vulcan.config.system.build.toplevel;
  vm = pkgs.testers.runNixOSTest (import ./vm.nix { });
}
