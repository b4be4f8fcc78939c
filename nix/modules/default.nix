# All modules of this folder. Each stands alone: importing one gives its options and no
# more, and nothing is switched on by importing.
{
  imports = map (name: ./. + "/${name}")
    (builtins.filter (name: name != "default.nix" && builtins.match ".*\\.nix" name != null)
      (builtins.attrNames (builtins.readDir ./.)));
}
