"""The command's parts: what joins the rooms, starts, stops and watches processes. Nothing imports the roof."""
