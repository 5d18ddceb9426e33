# fish completion for efficient-status: the program itself answers what fits, so that this file
# need not change when commands, options or the catalogue do.

function __efficient_status_fits
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l found ($words[1] completion -- $words[2..-1] "$word" 2>/dev/null)
    switch "$found[1]"
        case ':files*'
            __fish_complete_path "$word"
        case ':folders*'
            __fish_complete_directories "$word"
        case '*'
            printf '%s\n' $found
    end
end

complete -c efficient-status -f -a '(__efficient_status_fits)'
