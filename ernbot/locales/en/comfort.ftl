### What corrects and undoes, and what is understood without a prefix.

not-a-command-but = I answer commands. Did you mean `{ $nearest }`? `!help` lists what you can do here.
undone = Undone: `{ $command }`. Everything is as it was before.
refused-edited = I act on a changed message only when it was your last one to me here. Please send it as a new message.
refused-edited-late = I act on a changed message within { $minutes } minutes. Please send it as a new message.
refused-edited-done = That was carried out already, so changing the message does nothing more. `!help` lists what you can do now.
refused-edited-no-command = What you changed it to is no command, so nothing has happened. `!help` lists what you can do here.
refused-undo-nothing = There is nothing here that I can undo.
refused-undo-late = That was too long ago to be undone. Please say what it should be instead.
refused-undo-changed = Somebody has changed the case since, so I cannot undo that. Please say what it should be instead.
