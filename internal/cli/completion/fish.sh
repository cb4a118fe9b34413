# fish completion for health_exporter
#   health_exporter completion fish > ~/.config/fish/completions/health_exporter.fish
function __health_exporter_complete
    set -l words (commandline -opc)
    health_exporter --completion-bash $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c health_exporter -a '(__health_exporter_complete)'
